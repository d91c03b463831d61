"""A synchronous connection to the API server for one command, with readable errors."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from reelmill.cli.cluster import refusals
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import ReelmillError, SpecError, TransientError
from reelmill.plan.jobs.build import UID
from reelmill.schema.crd import GROUP, PLURAL, VERSION

Json = dict[str, Any]
T = TypeVar("T")
PIPELINES = (f"apis/{GROUP}/{VERSION}", PLURAL)
JOBS = ("apis/batch/v1", "jobs")
PODS = ("api/v1", "pods")
EVENTS = ("api/v1", "events")
MANAGER = "reelmill"
"""Field manager of the fields that `submit` sets."""
CHUNK = 500
"""Page size of lists."""
LOOK_SECONDS = 2.0
"""Seconds between searches for new pods while logs are followed."""
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ClusterClient:
    """A connection with the credentials, context and namespace that `place` selects.

    All methods raise SpecError if the server rejects a request, and TransientError if it cannot be reached.
    """

    def __init__(self, place: ClusterOptions) -> None:
        try:
            from reelmill.controller.kube import connection
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("reelmill"):
                raise
            raise SpecError(
                f"access to a cluster requires the package {error.name}", hint="pip install 'reelmill[cli,operator]'"
            ) from error
        access = connection.Access(kubeconfig=place.kubeconfig, context=place.context)
        known = connection.contexts(access)
        in_pod = not known and not place.kubeconfig and not place.context and (_ACCOUNT / "token").exists()
        if in_pod:
            access = connection.Access(in_cluster=True)
        else:
            refusals.check_context(place, [each.name for each in known], any(each.current for each in known))
        chosen = [each for each in known if each.name == place.context or (not place.context and each.current)]
        named = (_ACCOUNT / "namespace").read_text().strip() if in_pod else chosen[0].namespace
        self.namespace = place.namespace or named or "default"
        self.context = "" if in_pod else chosen[0].name
        self._patches = connection.MERGE_PATCH, connection.JSON_PATCH, connection.APPLY_PATCH
        self._runner = asyncio.Runner()
        self._link = self._runner.run(connection.connect(access, agent="reelmill"))

    def close(self) -> None:
        self._runner.run(self._link.close())
        self._runner.close()

    def pipeline(self, name: str) -> Json:
        """A pipeline. Raises NoSuchPipeline, which suggests the most similar name."""
        found = self.find(name)
        if found is None:
            names = [each["metadata"]["name"] for each in self.every(PIPELINES)]
            raise refusals.no_such_pipeline(name, self.namespace, names)
        return found

    def find(self, name: str) -> Json | None:
        """Return a pipeline, or None if there is none with that name."""
        try:
            return self._request("GET", path(PIPELINES, self.namespace, name))
        except refusals.ObjectMissing:
            # 404 for the pipeline or for the whole kind: listing raises in the second case.
            self.every(PIPELINES, limit=1)
            return None

    def every(self, kind: tuple[str, str], *, labels: str = "", everywhere: bool = False, limit: int = 0) -> list[Json]:
        """Objects of a kind in the namespace, or in all namespaces; at most `limit`, unless that is 0."""
        query = {"limit": str(limit or CHUNK), **({"labelSelector": labels} if labels else {})}
        found: list[Json] = []
        while True:
            page = self._request("GET", path(kind, "" if everywhere else self.namespace), query=query)
            found += page.get("items") or []
            query["continue"] = str((page.get("metadata") or {}).get("continue") or "")
            if not query["continue"] or limit:
                return found

    def owned(self, kind: tuple[str, str], pipeline: Json) -> list[Json]:
        """The Jobs or pods of a pipeline."""
        return self.every(kind, labels=f"{UID}={pipeline['metadata']['uid']}")

    def get(self, where: str) -> Json:
        """Return the object at a path of the API server."""
        return self._request("GET", where)

    def merge(self, name: str, patch: Json) -> Json:
        """Apply a JSON merge patch (RFC 7386) to a pipeline; returns the new resource."""
        return self._request("PATCH", path(PIPELINES, self.namespace, name), query=_OURS, body=patch, kind=0)

    def edit(self, name: str, operations: list[Json]) -> Json:
        """Apply a JSON patch (RFC 6902) to a pipeline; returns the new resource."""
        return self._request("PATCH", path(PIPELINES, self.namespace, name), query=_OURS, body=operations, kind=1)

    def apply(self, document: Json, *, dry_run: bool, force: bool) -> Json:
        """Create or update a pipeline by server-side apply with strict field validation; returns the new resource."""
        query = {**_OURS, "fieldValidation": "Strict", "force": "true" if force else "false"}
        where = path(PIPELINES, self.namespace, document["metadata"]["name"])
        return self._request(
            "PATCH", where, query=query | ({"dryRun": "All"} if dry_run else {}), body=document, kind=2
        )

    def log(self, pod: str, *, last: int | None = None, limit_bytes: int | None = None) -> Iterator[str]:
        """Stream the lines of a pod's log up to now; `last` limits them to that many from the end, `limit_bytes` limits
        their total size, because a line may have any length.
        """
        limits = {"tailLines": last, "limitBytes": limit_bytes}
        query = {name: str(value) for name, value in limits.items() if value is not None}
        where = f"{path(PODS, self.namespace, pod)}/log"
        lines = self._link.lines(where, query=query)
        with self._explained_errors("GET", where):
            try:
                while True:
                    yield self._runner.run(_next(lines))
            except StopAsyncIteration:
                return

    def tails(self, pods: Sequence[str], *, last: int, seconds: float) -> dict[str, list[str] | ReelmillError]:
        """The last lines of several pods' logs, read at the same time, or why a log cannot be read.

        Each read times out after `seconds`, because an unreachable node does not answer for its pods.
        """

        async def read_tail(pod: str) -> list[str]:
            where = f"{path(PODS, self.namespace, pod)}/log"
            return [line async for line in self._link.lines(where, query={"tailLines": str(last)})]

        async def all_tails() -> list[list[str] | BaseException]:
            waiting = (asyncio.wait_for(read_tail(pod), seconds) for pod in pods)
            return await asyncio.gather(*waiting, return_exceptions=True)

        read = zip(pods, self._runner.run(all_tails()), strict=True)
        return {pod: found if isinstance(found, list) else self._log_error(pod, found, seconds) for pod, found in read}

    def _log_error(self, pod: str, error: BaseException, seconds: float) -> ReelmillError:
        if isinstance(error, TimeoutError):
            return TransientError(f"no answer within {seconds:g} s", where=f"pod {pod}")
        try:
            with self._explained_errors("GET", f"{path(PODS, self.namespace, pod)}/log"):
                raise error
        except ReelmillError as explained:
            return explained

    def follow(self, current_pods: Callable[[], list[str]], *, last: int) -> Iterator[tuple[str, str]]:
        """Stream (pod, line) of the pods that `current_pods` returns, new ones included; ends when all have ended."""
        lines_read: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        tasks: dict[str, asyncio.Task[None]] = {}

        async def read_lines(pod: str) -> None:
            where = f"{path(PODS, self.namespace, pod)}/log"
            async for line in self._link.lines(where, query={"follow": "true", "tailLines": str(last)}):
                lines_read.put_nowait((pod, line))

        async def next_line() -> tuple[str, str] | None:
            for pod in new:
                tasks[pod] = asyncio.ensure_future(read_lines(pod))
            try:
                return await asyncio.wait_for(lines_read.get(), LOOK_SECONDS)
            except TimeoutError:
                return None

        looked = 0.0
        try:
            while True:
                new: list[str] = []
                if time.monotonic() - looked >= LOOK_SECONDS:
                    new = [pod for pod in current_pods() if pod not in tasks]
                    looked = time.monotonic()
                if pod_and_line := self._runner.run(next_line()):
                    yield pod_and_line
                elif tasks and not new and all(task.done() for task in tasks.values()):
                    break
            for pod, task in tasks.items():
                with self._explained_errors("GET", f"{path(PODS, self.namespace, pod)}/log"):
                    task.result()
        finally:
            self._runner.run(_cancel_all(list(tasks.values())))

    def _request(
        self, method: str, where: str, *, query: Mapping[str, str] | None = None, body: Any = None, kind: int = 0
    ) -> Json:
        with self._explained_errors(method, where):
            patch = self._patches[kind]
            return self._runner.run(self._link.request(method, where, query=query, body=body, patch=patch))

    @contextmanager
    def _explained_errors(self, method: str, where: str) -> Iterator[None]:
        from reelmill.controller.kube.api_errors import NoAnswer, Refusal

        try:
            yield
        except Refusal as refusal:
            raise refusals.refused(refusal.status, str(refusal), method, where, self.namespace) from None
        except NoAnswer as trouble:
            raise refusals.unreachable(str(trouble), self._link.server, self.context) from None


_OURS = {"fieldManager": MANAGER}


@contextmanager
def connected_client(place: ClusterOptions) -> Iterator[ClusterClient]:
    """A connection for the duration of the block. Raises SpecError if no cluster is configured."""
    one = ClusterClient(place)
    try:
        yield one
    finally:
        one.close()


def path(kind: tuple[str, str], namespace: str, name: str = "") -> str:
    """`/apis/…/namespaces/<namespace>/<plural>/<name>`."""
    version, plural = kind
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/{version}{where}/{plural}" + (f"/{quote(name, safe='')}" if name else "")


def _next(lines: Any) -> Coroutine[Any, Any, str]:
    async def next_line() -> str:
        line: str = await anext(lines)
        return line

    return next_line()


async def _cancel_all(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
