"""The operator's requests to the API server. Writes are rate limited, and refused if the fence is closed.

All writes are idempotent: names are deterministic, patches are minimal, and deletes specify a UID.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reelmill.controller.kube.api_errors import Conflict, Fenced, NoAnswer, ObjectNotFound
from reelmill.controller.kube.connection import ApiTransport
from reelmill.controller.kube.write_budget import Budget
from reelmill.controller.state.cache import Json, controller
from reelmill.plan.jobs.build import MANAGED_BY, MANAGER, RUN, UID
from reelmill.schema.crd import GROUP, PLURAL, VERSION

CHUNK = 500
PODS = 20
"""Maximum number of pods read for one diagnosis."""
MANAGED = f"{MANAGED_BY}={MANAGER}"
PIPELINES = f"apis/{GROUP}/{VERSION}", PLURAL
JOBS = "apis/batch/v1", "jobs"
_PODS = "api/v1", "pods"
_EVENTS = "api/v1", "events"
_LEASES = "apis/coordination.k8s.io/v1", "leases"
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list."""

    items: list[Json]
    version: int


class KubeApi:
    """The operator's requests. `fence` returns whether this process may write; `waited` gets the waiting times."""

    def __init__(
        self,
        requests: ApiTransport,
        budget: Budget,
        *,
        fence: Callable[[], bool] = lambda: True,
        waited: Callable[[float], None] | None = None,
    ) -> None:
        self._requests, self._budget, self._fence, self._waited = requests, budget, fence, waited

    async def pages(self, kind: Kind, namespace: str | None = None) -> AsyncIterator[Page]:
        """A consistent list of all pipelines, or of all Jobs of reelmill, page by page."""
        query = {"limit": str(CHUNK), **({"labelSelector": MANAGED} if kind == JOBS else {})}
        while True:
            found = await self._requests.request("GET", path(kind, namespace), query=query)
            metadata = found.get("metadata") or {}
            yield Page(found.get("items") or [], int(metadata.get("resourceVersion") or 0))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def pipeline(self, namespace: str, name: str) -> Json:
        return await self._requests.request("GET", path(PIPELINES, namespace, name))

    async def patch_status(self, pipeline: Json, status: Json) -> Json:
        """Merge-patch the status of this version of a pipeline. Raises Conflict if it has changed."""
        metadata = pipeline["metadata"]
        exactly = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        where = f"{path(PIPELINES, metadata['namespace'], metadata['name'])}/status"
        return await self._write("PATCH", where, {"metadata": exactly, "status": status})

    async def patch_finalizers(self, pipeline: Json, names: Sequence[str]) -> Json:
        """Set the finalizers of this version of a pipeline. Raises Conflict if it has changed."""
        metadata = pipeline["metadata"]
        exactly = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        where = path(PIPELINES, metadata["namespace"], metadata["name"])
        return await self._write("PATCH", where, {"metadata": {**exactly, "finalizers": list(names) or None}})

    async def job(self, namespace: str, name: str) -> Json:
        return await self._requests.request("GET", path(JOBS, namespace, name))

    async def create_job(self, job: Json) -> Json:
        """Create a Job, or adopt an existing one. Raises Conflict if the name belongs to something else, and NoAnswer
        if the server reports a conflict although there is no such Job.
        """
        metadata = job["metadata"]
        try:
            return await self._write("POST", path(JOBS, metadata["namespace"]), job)
        except Conflict as conflict:
            try:
                found = await self._requests.request("GET", path(JOBS, metadata["namespace"], metadata["name"]))
            except ObjectNotFound:
                # The Job was deleted meanwhile, or the conflict is about another object, such as a ResourceQuota.
                raise NoAnswer(f"POST Job {metadata['name']}: {conflict}") from conflict
            owner, wanted = controller(found), controller(job)
            if owner and wanted and owner["uid"] == wanted["uid"]:
                return found
            raise Conflict(409, f"Job {metadata['name']} exists and belongs to something else") from conflict

    async def patch_job(self, namespace: str, name: str, patch: Json) -> Json:
        return await self._write("PATCH", path(JOBS, namespace, name), patch)

    async def delete_job(self, job: Json, *, wait: bool = False) -> Json:
        """Delete this Job, and its pods in the background; with `wait`, the Job is kept until they are deleted."""
        metadata = job["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground" if wait else "Background",
            "preconditions": {"uid": metadata["uid"]},
        }
        return await self._write("DELETE", path(JOBS, metadata["namespace"], metadata["name"]), body)

    async def delete_jobs(self, namespace: str, pipeline: str, numbers: Iterable[int]) -> None:
        """Delete Jobs of the pipeline with this UID by their numbers, and their pods in the background."""
        chosen = ",".join(map(str, sorted(numbers)))
        query = {"labelSelector": f"{MANAGED},{UID}={pipeline},{RUN} in ({chosen})"}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        await self._write("DELETE", path(JOBS, namespace), body, query)

    async def pods(self, namespace: str, job: str, phase: str, *, cached: bool = False) -> list[Json]:
        """Up to 20 pods of a Job that are in a phase.

        With `cached`, all of them, from the API server's cache, which may be slightly older than the Job. The server
        then answers at once; otherwise, it waits for its cache to catch up with etcd, which takes about 0.1 s.
        """
        query = {
            "labelSelector": f"batch.kubernetes.io/job-name={job}",
            "fieldSelector": f"status.phase={phase}",
            **({"resourceVersion": "0"} if cached else {"limit": str(PODS)}),
        }
        found = await self._requests.request("GET", path(_PODS, namespace), query=query)
        return found.get("items") or []

    async def create_event(self, event: Json) -> Json:
        return await self._write("POST", path(_EVENTS, event["metadata"]["namespace"]), event)

    async def patch_event(self, namespace: str, name: str, patch: Json) -> Json:
        return await self._write("PATCH", path(_EVENTS, namespace, name), patch)

    async def lease(self, namespace: str, name: str) -> Json | None:
        try:
            return await self._requests.request("GET", path(_LEASES, namespace, name))
        except ObjectNotFound:
            return None

    async def write_lease(self, lease: Json) -> Json:
        """Create or update the Lease, without rate limit and fence. Raises Conflict if another replica was faster."""
        metadata = lease["metadata"]
        if "resourceVersion" in metadata:
            where = path(_LEASES, metadata["namespace"], metadata["name"])
            return await self._requests.request("PUT", where, body=lease)
        return await self._requests.request("POST", path(_LEASES, metadata["namespace"]), body=lease)

    async def _write(self, method: str, where: str, body: Json, query: Mapping[str, str] | None = None) -> Json:
        seconds = await self._budget.take()
        if self._waited:
            self._waited(seconds)
        if not self._fence():
            raise Fenced(f"{method} {where}")
        return await self._requests.request(method, where, query=query, body=body)


def path(kind: Kind, namespace: str | None, name: str = "") -> str:
    """The path of a kind's objects in one or all namespaces, or of one object."""
    version, plural = kind
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/{version}{where}/{plural}" + (f"/{quote(name, safe='')}" if name else "")
