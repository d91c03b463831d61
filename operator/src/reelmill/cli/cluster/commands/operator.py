"""`reelmill operator run`: the operator on this machine, against a kubeconfig or as a pod."""

import os
from typing import Annotated

import typer

from reelmill.contract.errors import SpecError

app = typer.Typer(name="operator", help="The operator that turns VideoPipelines into Jobs.", no_args_is_help=True)

Kubeconfig = Annotated[str, typer.Option("--kubeconfig", help="A kubeconfig; left out: KUBECONFIG, or the usual one.")]
Context = Annotated[str, typer.Option("--context", help="A context of the kubeconfig.")]
InCluster = Annotated[bool, typer.Option("--in-cluster", help="This is a pod: use its service account.")]
Namespaces = Annotated[
    list[str] | None, typer.Option("--namespace", "-n", help="Serve this namespace; may be given again. Default: all.")
]
Image = Annotated[str | None, typer.Option("--stages-image", help="Image of stage pods.")]
Listen = Annotated[str | None, typer.Option("--listen", help="Address of metrics and probes, host:port.")]
Elect = Annotated[
    bool | None, typer.Option("--leader-election/--no-leader-election", help="Of several replicas one acts.")
]
Level = Annotated[str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]


@app.callback()
def _group() -> None:
    pass


@app.command()
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
    """Run the operator until it is stopped. What is not said here comes from REELMILL_ variables."""
    try:
        from reelmill.controller.kube.connection import Access
        from reelmill.controller.running import run as work
        from reelmill.controller.settings import read
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("reelmill"):
            raise
        raise SpecError(
            f"the operator needs the package {error.name}", hint="pip install 'reelmill[operator]'"
        ) from error
    settings = read(
        namespaces=tuple(namespace) if namespace else None,
        stages_image=stages_image,
        # On a laptop nobody probes, and its port may be taken.
        listen=listen if listen is not None or in_cluster or "REELMILL_LISTEN" in os.environ else "",
        leader_election=leader_election,
        log_level=log_level.upper() if log_level else None,
    )
    raise typer.Exit(work(Access(kubeconfig=kubeconfig, context=context, in_cluster=in_cluster), settings))
