"""Operators for tests: each in a thread of its own, as its own service account with the operator's rules and no other.

`Faults` stands between an operator and the API server and does what networks and kills do, one request at a time.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster import kubeconfig
from cluster.client import PATIENCE, Client
from cluster.control_plane import ControlPlane
from control_plane.closing import close_connections
from reelmill.controller import rbac
from reelmill.controller.kube.connection import Access, ApiTransport
from reelmill.controller.operator import Operator
from reelmill.controller.settings import OperatorSettings

ACCOUNT = "reelmill-operator"
Json = dict[str, Any]
Send = Callable[[], Awaitable[Json]]


def account(client: Client, namespace: str, folder: Path, *, cluster_wide: bool = False) -> Path:
    """A kubeconfig of the operator's service account, which lives in `namespace` and serves it, or all."""
    role = f"{ACCOUNT}-{namespace}"
    subject = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}]
    api = "rbac.authorization.k8s.io"
    binding = "ClusterRoleBinding" if cluster_wide else "RoleBinding"
    place = {} if cluster_wide else {"namespace": namespace}
    own = {"name": f"{ACCOUNT}-lease", "namespace": namespace}
    for document in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}},
        {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": rbac.rules()},
        {
            "apiVersion": f"{api}/v1",
            "kind": binding,
            "metadata": {"name": role, **place},
            "subjects": subject,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
        },
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": own, "rules": rbac.lease_rules(ACCOUNT)},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": own,
            "subjects": subject,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": own["name"]},
        },
    ):
        client.apply(document, namespace)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    path = client.path("v1/ServiceAccount", namespace, ACCOUNT, "token")
    token = client.json("POST", path, asked)["status"]["token"]
    config = folder / f"{namespace}.kubeconfig"
    return kubeconfig.write(config, kubeconfig.Access(client.access.server, token, client.access.ca))


class Crash(BaseException):
    """The operator is killed here."""


class Faults:
    """In front of the API server. `strike` is told of every write: its number, method and path, and what sends it."""

    def __init__(self, strike: Callable[[int, str, str, Send], Awaitable[Json]]) -> None:
        self.strike = strike
        self.writes = 0

    def layer(self, inner: ApiTransport) -> ApiTransport:
        faults = self

        class Layer:
            async def request(
                self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
            ) -> Json:
                if method == "GET" or "/leases" in path:
                    return await inner.request(method, path, query=query, body=body)
                faults.writes += 1
                return await faults.strike(
                    faults.writes, method, path, lambda: inner.request(method, path, query=query, body=body)
                )

        return Layer()


class Running:
    """One operator in a thread."""

    def __init__(
        self,
        config: Path,
        settings: OperatorSettings,
        layer: Callable[[ApiTransport], ApiTransport] = lambda requests: requests,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.operator = Operator(Access(kubeconfig=str(config)), settings, layer=layer, now=now)
        self.ended: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> "Running":
        self._thread.start()
        return self

    def stop(self) -> None:
        """As SIGTERM does."""
        if self._loop and self._task and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self.join()

    def join(self, seconds: float = 30) -> None:
        self._thread.join(seconds * PATIENCE)
        assert not self._thread.is_alive(), "the operator does not end"

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            return
        except BaseException as ended:
            self.ended = ended

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(self.operator.run())
        try:
            await self._task
        finally:
            if self._task.cancelled():  # what is killed closes nothing
                await close_connections()


@contextmanager
def running(
    config: Path,
    layer: Callable[[ApiTransport], ApiTransport] = lambda requests: requests,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    **settings: Any,
) -> Iterator[Running]:
    """An operator while the block lasts; whatever ended it before is raised."""
    one = Running(config, made(**settings), layer, now).start()
    try:
        yield one
    finally:
        one.stop()
    if one.ended:
        raise one.ended


def made(**given: Any) -> OperatorSettings:
    """Settings without probes, with short times."""
    return OperatorSettings(**{"listen": "", "progress_seconds": 0.5, "resync_seconds": 30, "write_rate": 500, **given})


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """Look until something true comes: so many seconds on an idle machine, and longer on a busy one."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise TimeoutError(what)


def writes_nothing(one: Running, plane: ControlPlane, user: str) -> bool:
    """Whether the operator, as this user, lists everything three times without a write."""
    lists = one.operator.metrics.resyncs._value
    written, listed = len(plane.audit(user)), lists.get()
    until(lambda: lists.get() >= listed + 3, 60, "three lists")
    return len(plane.audit(user)) == written
