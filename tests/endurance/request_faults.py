"""Faults of requests, with counts by kind of request.

A write or its response may be lost; it may conflict with another write; the operator may be killed before or after it.
A read may fail, expire (410), return an old state, or find the pods of a Job already deleted.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from endurance.api_in_memory import VERSIONS, ApiInMemory, _parse
from reelmill.controller.kube.api_errors import Conflict, Expired, Forbidden, NoAnswer, ServerFault, Throttled
from reelmill.plan.jobs.build import STAGE

Json = dict[str, Any]
WRITE = ("killed before", "killed after", "request lost", "answer lost", "500", "429", "409")
POST = (*WRITE, "quota")
READ = ("killed", "no answer", "500", "429")
LIST = (*READ, "410", "stale")
PODS = (*READ, "pods gone")

LISTS = 3
"""Factor by which lists, which are more frequent, get faults less often than other requests."""

REPORTS = 2
"""Maximum number of lost reports in a run; after `failures.attempts` of them, three by default, a stage stalls."""

UNDISTURBED = 10
QUOTA = 'jobs.batch is forbidden: exceeded quota: "jobs"'

SORTS = (
    *(f"GET {plural} ({what})" for plural in ("videopipelines", "jobs", "pods") for what in ("list", "one")),
    *(f"POST jobs ({step})" for step in ("survey", "open", "shards", "commit", "remove")),
    *("PATCH videopipelines (status)", "PATCH videopipelines (finalizers)"),
    *("PATCH jobs", "DELETE jobs", "POST events", "PATCH events"),
)


class Killed(BaseException):
    """The operator is killed here."""


def sort_of(method: str, path: str, body: Json | None) -> str:
    """The kind of a request, as `POST jobs (shards)` or `GET jobs (list)`."""
    plural, _, name, part = _parse(path)
    if method == "GET":
        return f"GET {plural} ({'one' if name else 'list'})"
    if method == "POST" and plural == "jobs" and body:
        return f"POST jobs ({body['metadata']['labels']['reelmill.dev/step']})"
    if plural == "videopipelines":
        return f"PATCH videopipelines ({part or 'finalizers'})"
    return f"{method} {plural}"


def _is_seen(pipeline: Json) -> bool:
    """Whether the status of a pipeline is about its current spec."""
    conditions = pipeline.get("status", {}).get("conditions") or ()
    return any(each.get("observedGeneration") == pipeline["metadata"]["generation"] for each in conditions)


def possible(sort: str) -> tuple[str, ...]:
    """The possible faults of a kind of request."""
    if sort == "GET pods (list)":
        return PODS
    if sort.startswith("POST jobs"):
        return POST
    return LIST if sort.endswith("(list)") else READ if sort.startswith("GET") else WRITE


class Faults:
    """An `ApiTransport` with faults in one of `period` requests, cycling through the faults of each kind of request."""

    def __init__(self, api: ApiInMemory, chance: random.Random, period: int, struck: Counter[tuple[str, str]]) -> None:
        self._api, self._chance, self._period, self._struck = api, chance, period, struck
        self.meanwhile: Callable[[], None] = lambda: None
        """Called before every request, to change the cluster meanwhile."""
        self.calm = False
        """Whether faults are disabled."""
        self.ambush: Callable[[], None] | None = None
        """Called once, when the status has recorded the spec. Then the operator is killed, and the next one lists the
        previous state."""
        self.refused = ""
        """Stage whose Jobs always exceed a quota; empty: none."""
        self.undisturbed = 0
        """Number of requests without faults, with which an operator acts on its first list."""
        self._remembered: int | None = None
        """The version that the next list of pipelines shows."""
        self.here: Counter[str] = Counter()
        """Faults in this run."""
        self._turns = Counter(dict.fromkeys(SORTS, chance.randrange(60)))

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Json:
        """Answer a request, or apply a fault."""
        sort = sort_of(method, path, body)
        if self.undisturbed:
            self.undisturbed -= 1
        else:
            self.meanwhile()
        if self.ambush and sort == "PATCH videopipelines (status)":
            answer = await self._api.request(method, path, query=query, body=body)
            if not _is_seen(answer):
                return answer
            self._remembered = self._api.version
            self.ambush, ambush = None, self.ambush
            ambush()
            self.undisturbed = UNDISTURBED
            raise Killed(f"ambush: {method} {path}")
        if self._remembered and sort == "GET videopipelines (list)":
            plural, namespace, *_ = _parse(path)
            back, self._remembered = self._api.since(self._remembered), None
            return self._api.page(plural, namespace, dict(query or {}), back)
        labels = body["metadata"].get("labels", {}) if body and sort.startswith("POST jobs") else {}
        if self.refused and labels.get(STAGE) == self.refused:
            raise Forbidden(403, QUOTA)
        often = LISTS * self._period if sort.endswith("(list)") else self._period
        if self.calm or self.undisturbed or self._chance.random() * often > 1:
            return await self._api.request(method, path, query=query, body=body)
        kinds = [kind for kind in possible(sort) if kind != "pods gone" or self.here[kind] < REPORTS]
        self._turns[sort] += 1
        kind = kinds[self._turns[sort] % len(kinds)]
        self._struck[sort, kind] += 1
        self.here[kind] += 1
        return await self._strike(kind, method, path, query, body)

    async def _strike(
        self, kind: str, method: str, path: str, query: Mapping[str, str] | None, body: Json | None
    ) -> Json:
        plural, namespace, *_ = place = _parse(path)
        if kind in ("killed after", "answer lost"):
            await self._api.request(method, path, query=query, body=body)
        match kind:
            case "killed" | "killed before" | "killed after":
                raise Killed(f"{kind}: {method} {path}")
            case "429":
                raise Throttled("429: on purpose", self._chance.choice([0.0, 1.0, 30.0]))
            case "410":
                raise Expired(410, "410: on purpose")
            case "409":
                if place[:3] in self._api.objects:
                    self._api.touch(place[:3])
                    return await self._api.request(method, path, query=query, body=body)
                raise Conflict(409, "409: on purpose")
            case "quota":
                raise Forbidden(403, QUOTA)
            case "stale":
                back = self._chance.randint(1, VERSIONS // 2)
                return self._api.page(plural, namespace, dict(query or {}), back)
            case "pods gone":
                return {"items": []}
        raise (ServerFault if kind == "500" else NoAnswer)(f"{kind}: on purpose")
