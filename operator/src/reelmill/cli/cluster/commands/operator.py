"""`reelmill operator run`: run the operator, with a kubeconfig or as a pod."""

import os
from typing import Annotated

import typer

from reelmill.cli.help_text import PlainCommand
from reelmill.cli.input.options import spread
from reelmill.contract.errors import SpecError

app = typer.Typer(
    name="operator",
    help="Run the operator, which turns VideoPipelines into Jobs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Kubeconfig = Annotated[
    str,
    typer.Option(
        "--kubeconfig", metavar="FILE", help="Path to the kubeconfig. Default: $KUBECONFIG or ~/.kube/config."
    ),
]
Context = Annotated[
    str, typer.Option("--context", help="Name of the kubeconfig context. Default: the current context.")
]
InCluster = Annotated[bool, typer.Option("--in-cluster", help="Use the service account of this pod.")]
Namespaces = Annotated[
    list[str] | None, typer.Option("--namespace", "-n", help="Watch this namespace; repeatable. Default: all.")
]
Image = Annotated[str | None, typer.Option("--stages-image", help="Container image of stage pods.")]
Listen = Annotated[
    str | None, typer.Option("--listen", metavar="ADDRESS", help="Address for metrics and probes, as host:port.")
]
Elect = Annotated[
    bool | None, typer.Option("--leader-election/--no-leader-election", help="Elect a leader among several replicas.")
]
Level = Annotated[str | None, typer.Option("--log-level", help="Log level: DEBUG, INFO, WARNING or ERROR.")]


@app.callback()
def _group() -> None:
    pass


@app.command(cls=PlainCommand)
@spread
def run(
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    in_cluster: InCluster = False,
    namespace: Namespaces = None,
    stages_image: Image = None,
    listen: Listen = None,
    leader_election: Elect = None,
    log_level: Level = None,
) -> None:
    """Run the operator until it is stopped.

    Settings that are not given as options are read from REELMILL_* environment variables.
    """
    try:
        from reelmill.controller.kube.connection import Access
        from reelmill.controller.operator import run as work
        from reelmill.controller.settings import read
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("reelmill"):
            raise
        raise SpecError(
            f"the operator requires the package {error.name}", hint="pip install 'reelmill[operator]'"
        ) from error
    settings = read(
        namespaces=tuple(namespace) if namespace else None,
        stages_image=stages_image,
        # Outside a cluster there are no probes, and the port may be in use.
        listen=listen if listen is not None or in_cluster or "REELMILL_LISTEN" in os.environ else "",
        leader_election=leader_election,
        log_level=log_level.upper() if log_level else None,
    )
    raise typer.Exit(work(Access(kubeconfig=kubeconfig, context=context, in_cluster=in_cluster), settings))
