"""`reelmill dashboard`: pipelines and their items in a browser, of a cluster, of pipeline files or of a store."""

import ipaddress
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.terminal import say
from reelmill.cli.input import pipeline
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride, given
from reelmill.contract.commands.dashboard import DashboardSettings, PipelineDefinition
from reelmill.contract.commands.signatures import DASHBOARD
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Connection, StoreRef
from reelmill.contract.text.urls import without_secrets
from reelmill.processes.fast_exit import abandon_threads

USUAL = DashboardSettings()


def dashboard(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Pipeline files. Default: the pipelines of the cluster.",
            show_default=False,
        ),
    ] = None,
    elsewhere: StoreOverride = AS_NAMED,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Show pipelines of all namespaces of the cluster.")
    ] = False,
    host: Annotated[str, typer.Option("--host", help="Address to listen on. 0.0.0.0: all networks.")] = USUAL.host,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on. 0: any free port.")
    ] = USUAL.port,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host", help="A name under which browsers may open the page, besides localhost; repeatable."
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            metavar="NETWORK",
            help="Address or network of a proxy whose X-Forwarded headers are trusted; repeatable.",
        ),
    ] = None,
    root_path: Annotated[
        str, typer.Option("--root-path", help="Path under which a proxy serves the page, such as /reelmill.")
    ] = USUAL.root_path,
    scratch: Annotated[
        str,
        typer.Option(
            "--scratch",
            metavar="FOLDER",
            help="Folder for indexes and pictures, kept between runs. Default: temporary.",
        ),
    ] = USUAL.scratch,
    place: ClusterOptions = HERE,
) -> None:
    """Show pipelines, their losses and their items in a browser, read-only.

    Without an argument, this shows the pipelines of the cluster. With --store alone, it shows the pipelines whose data
    a folder or bucket holds. The page has no login: everybody who can open it sees the data.
    """
    serve = store_commands.load(DASHBOARD)
    settings = DashboardSettings(
        host=host,
        port=port,
        allowed_hosts=tuple(allowed_host or ()),
        trusted_proxies=tuple(_network(each) for each in trusted_proxy or ()),
        root_path=_root_path(root_path),
        scratch=scratch,
    )
    env = store_commands.environment()
    abandon_threads()  # a read from a store that does not respond takes minutes
    if files or elsewhere.store:
        if options := given(place):
            raise SpecError(
                f"{options[0]} requires the pipelines of a cluster", hint=f"remove {options[0]}, or the files"
            )
        if everywhere:
            raise SpecError("--all-namespaces requires the pipelines of a cluster", hint="remove it, or the files")
    if files:
        serve(settings, env, ready=_say_address, files=[definition(file, elsewhere) for file in files])
    elif elsewhere.store:
        connection = Connection(endpoint=elsewhere.endpoint or "")
        serve(settings, env, ready=_say_address, store=StoreRef(uri=elsewhere.store, connection=connection))
    elif elsewhere.endpoint:
        raise SpecError("--endpoint requires --store or a pipeline file", hint="give one of them, or remove --endpoint")
    else:
        from reelmill.cli.cluster.cluster_pipelines import ClusterPipelines  # only a cluster needs its packages

        with ClusterPipelines(place, everywhere=everywhere) as pipelines:
            serve(settings, env, ready=_say_address, pipelines=pipelines)


def definition(file: str, elsewhere: StoreOverride) -> PipelineDefinition:
    """The pipeline of a file. Raises SpecError, with every problem of it."""
    loaded = pipeline.load(file, elsewhere)
    metadata = loaded.pipeline.metadata
    return PipelineDefinition(
        namespace=metadata.namespace,
        name=metadata.name,
        task=loaded.task(),
        document=without_secrets(Path(file).read_text("utf-8-sig")),
        tolerances=loaded.graph.tolerances,
    )


def _root_path(path: str) -> str:
    if path and not path.startswith("/"):
        raise SpecError(f"--root-path {path!r} does not begin with /", hint="write it as /reelmill")
    return path.rstrip("/")


def _network(proxy: str) -> str:
    try:
        return proxy if proxy == "*" else str(ipaddress.ip_network(proxy))
    except ValueError as error:
        raise SpecError(f"--trusted-proxy: {error}", hint="write it as 10.0.0.7 or 10.0.0.0/8") from None


def _say_address(url: str) -> None:
    say(url)
    say("press Ctrl-C to stop")
