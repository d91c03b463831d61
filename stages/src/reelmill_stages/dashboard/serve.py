"""Runs `reelmill dashboard`: builds the application and serves it until a signal ends it."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reelmill.contract.commands.dashboard import DashboardSettings, PipelineDefinition, Pipelines
from reelmill.contract.errors import SpecError
from reelmill.contract.task import StoreRef
from reelmill_stages.dashboard.discovery.file_pipelines import FilePipelines
from reelmill_stages.dashboard.discovery.store_pipelines import StorePipelines
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.scratch_folder import scratch_folder
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.dashboard.views.pipeline_catalog import PipelineCatalog
from reelmill_stages.dashboard.web.posters import Posters
from reelmill_stages.store.open import split_uri

if TYPE_CHECKING:
    from fastapi import FastAPI

HINT = "install reelmill-stages[dashboard], in a checkout by pip install './stages[dashboard]'"


def dashboard(
    settings: DashboardSettings,
    env: Mapping[str, str],
    *,
    ready: Callable[[str], None],
    pipelines: Pipelines | None = None,
    files: Sequence[PipelineDefinition] = (),
    store: StoreRef | None = None,
) -> None:
    """Serve the pipelines of a cluster, of files, or of a store.

    Raises SpecError for an address that cannot be bound, for a store that is not a folder, for a scratch folder that is
    not writable, contains other files or is used by another dashboard, and if the packages for the page are missing.
    """
    for package in ("fastapi", "jinja2", "uvicorn"):
        if find_spec(package) is None:
            raise SpecError(f"the dashboard needs the package {package}, which is not installed", hint=HINT)
    import uvicorn  # imported here because it may be missing

    with scratch_folder(settings.scratch) as scratch, _listening(settings) as listener:
        app = make(settings, env, scratch, pipelines=pipelines, files=files, store=store)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        host, port = listener.getsockname()[:2]
        shown = "localhost" if ipaddress.ip_address(host).is_loopback else f"[{host}]" if ":" in host else host

        async def serve() -> None:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.02)
            if server.started:
                ready(f"http://{shown}:{port}{settings.root_path}/")
            await serving

        with contextlib.suppress(KeyboardInterrupt), _ending_by_return():
            asyncio.run(serve())


def make(
    settings: DashboardSettings,
    env: Mapping[str, str],
    scratch: Path,
    *,
    pipelines: Pipelines | None = None,
    files: Sequence[PipelineDefinition] = (),
    store: StoreRef | None = None,
) -> "FastAPI":
    """Build the application. Raises SpecError for a store that is not a folder, and for files with equal names."""
    from reelmill_stages.dashboard.web.app import application  # its packages may be missing

    stores = OpenStores(env)
    if pipelines is None and store is not None:
        root, key = split_uri(store.uri)
        if root == "/" and not Path(root, key).is_dir():
            raise SpecError(
                "there is no such folder", where=store.uri, hint="give the store of a pipeline: a folder or s3://bucket"
            )
        found: Pipelines = StorePipelines(store, stores)
    else:
        found = pipelines or FilePipelines(files, stores)
    trusted = pipelines is not None or bool(files)
    catalog = PipelineCatalog(found, stores, Indexes(scratch), trusted=trusted, folders=pipelines is None)
    posters = Posters(scratch, env)
    return application(catalog, posters, allowed_hosts=settings.allowed_hosts, root_path=settings.root_path)


@contextlib.contextmanager
def _ending_by_return() -> Iterator[None]:
    """Let SIGTERM end the server but not the process, which has files to remove: uvicorn sends the signal again."""
    former = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextlib.contextmanager
def _listening(settings: DashboardSettings) -> Iterator[socket.socket]:
    where = f"{settings.host}:{settings.port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        raise SpecError(
            f"cannot listen there: {getattr(error, 'strerror', None) or error}",
            where=where,
            hint="choose another --host or --port",
        ) from error
    with listener:
        yield listener
