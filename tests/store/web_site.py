"""A file on a web server behind a proxy that misbehaves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.web.store import WebStore
from reelmill_stages.store.web.turns import Turns
from servers.faults import FaultProxy, fault_proxy
from servers.web_server import WebServer

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)

BODY = bytes(range(256)) * 1024


@dataclass
class Site:
    """A file `k` on a server behind a proxy that misbehaves."""

    store: WebStore
    proxy: FaultProxy
    path: Path
    opened: Callable[..., WebStore]

    @property
    def url(self) -> str:
        return self.store.uri


@contextmanager
def web_site(web_server: WebServer, folder: Path) -> Iterator[Site]:
    """Serve the file for the time of the block; clients wait for their turns in `folder`."""
    path = web_server.folder / "k"
    path.write_bytes(BODY)
    with fault_proxy(web_server.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"

        def opened(
            server: str = url, parallel: int = 4, delay: float = 0.0, timeout: float = 60, **more: object
        ) -> WebStore:
            limits = WebLimits(**{"private_servers": (url,), "timeout": timeout, **more})  # type: ignore[arg-type]
            return WebStore(server, limits=limits, patience=QUICK, turns=Turns(parallel, delay, folder / "turns"))

        yield Site(opened(), proxy, path, opened)
