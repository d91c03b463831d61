"""Groups of options that several commands share, each declared once as a dataclass.

A command takes a group as one parameter, `place: Place = HERE`; on the command line stand the group's fields.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer


@dataclass(frozen=True, slots=True)
class StoreOverride:
    """Another store than the pipeline names."""

    store: Annotated[
        str | None, typer.Option("--store", help="Another store than the file says: a folder or s3://bucket/prefix.")
    ] = None
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="URL of the store's S3 server.")] = None


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster, and where in it; as kubectl has it."""

    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="The pipeline's namespace; left out: the context's.")
    ] = ""
    context: Annotated[str, typer.Option("--context", help="A context of the kubeconfig; left out: its own.")] = ""
    kubeconfig: Annotated[
        str, typer.Option("--kubeconfig", help="A kubeconfig; left out: KUBECONFIG, or the usual one.")
    ] = ""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run on this machine goes about it."""

    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Steps at a time; left out: one per CPU.")] = (
        None
    )
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Everything that the steps log.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False


AS_NAMED = StoreOverride()
HERE = ClusterOptions()
USUAL = RunOptions()


def given(*groups: object) -> list[str]:
    """The options of some groups that were given, as they are written: `--store`."""
    return [
        f"--{field.name.replace('_', '-')}"
        for group in groups
        for field in fields(group)  # type: ignore[arg-type]
        if getattr(group, field.name) != field.default
    ]


def spread(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the fields of its groups in the place of each group."""
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

    @functools.wraps(command)
    def flat(**values: Any) -> Any:
        for name, (kind, names) in groups.items():
            values[name] = kind(**{field: values.pop(field) for field in names})
        return command(**values)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__
    return flat
