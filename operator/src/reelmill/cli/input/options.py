"""Groups of options that several commands share, each declared once as a dataclass.

A command takes a group as one parameter, `place: Place = HERE`; `spread` turns its fields into options.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer

from reelmill.cli.help_text import name_values

File = Annotated[str, typer.Argument(metavar="FILE", help="The pipeline file.", show_default=False)]


@dataclass(frozen=True, slots=True)
class StoreOverride:
    """A store that replaces the one in the pipeline."""

    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URI",
            help="Use this store instead of the pipeline's: a folder, s3://bucket/prefix, az://… or gs://….",
        ),
    ] = None
    endpoint: Annotated[str | None, typer.Option("--endpoint", metavar="URL", help="URL of the store's server.")] = None


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """The cluster and the namespace, as in kubectl."""

    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of the pipeline. Default: the context's namespace.")
    ] = ""
    context: Annotated[
        str, typer.Option("--context", help="Name of the kubeconfig context. Default: the current context.")
    ] = ""
    kubeconfig: Annotated[
        str,
        typer.Option(
            "--kubeconfig", metavar="FILE", help="Path to the kubeconfig. Default: $KUBECONFIG or ~/.kube/config."
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run on this machine."""

    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of parallel steps. Default: one per CPU.")
    ] = None
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show everything that the steps log.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the result, without progress.")] = False
    report: Annotated[
        bool | None,
        typer.Option(
            "--report/--no-report",
            help="Write a report to the store when the run ends. Default: $REELMILL_RUN_REPORTS, otherwise yes.",
            show_default=False,
        ),
    ] = None
    openlineage: Annotated[
        str,
        typer.Option(
            "--openlineage",
            metavar="URL|FILE",
            help="Send OpenLineage events to a server, or append them to a file. Default: $REELMILL_OPENLINEAGE.",
        ),
    ] = ""


AS_NAMED = StoreOverride()
HERE = ClusterOptions()
USUAL = RunOptions()


def given(*groups: object) -> list[str]:
    """The options of the groups that differ from their defaults, as written on the command line: `--store`."""
    return [
        f"--{field.name.replace('_', '-')}"
        for group in groups
        for field in fields(group)  # type: ignore[arg-type]
        if getattr(group, field.name) != field.default
    ]


def spread(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with each group replaced by its fields, so that typer sees them as options, with named values."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, tuple[Any, list[str]]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if not is_dataclass(kind):
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        inner = get_type_hints(kind, include_extras=True)
        groups[name] = kind, [field.name for field in fields(kind)]
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=inner[field.name],
            )
            for field in fields(kind)
        ]

    name_values(parameters)

    @functools.wraps(command)
    def flat(**values: Any) -> Any:
        for name, (kind, names) in groups.items():
            values[name] = kind(**{field: values.pop(field) for field in names})
        return command(**values)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__
    return flat
