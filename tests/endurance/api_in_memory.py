"""An API server in memory, with the rules that the operator relies on: versions, conflicts, finalizers, pages, watches.

It answers requests like the real one and keeps its history, so that a list can be outdated. Changes are passed to
`watchers` at once; the caller decides when the operator receives them.
"""

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from reelmill.controller.kube.api_errors import Conflict, Expired, Invalid, ObjectNotFound
from reelmill.plan.jobs.build import MANAGED_BY, MANAGER, RUN, UID

Json = dict[str, Any]
Place = tuple[str, str, str]
"""Plural, namespace and name of an object."""
PAGE = 3
"""Objects in a page of a list, so that lists have several."""
VERSIONS = 40
"""Number of old versions that a list may return."""


class ApiInMemory:
    """Objects, and the requests of one operator after another. Implements `ApiTransport`."""

    def __init__(self, now: Callable[[], str]) -> None:
        self.objects: dict[Place, Json] = {}
        self.version = 100
        self.watchers: list[Callable[[str, str, Json], None]] = []
        self.pods: Callable[[str, str, str], list[Json]] = lambda namespace, job, phase: []
        self.posted: list[Json] = []
        """Every Job that was created."""
        self.deleting: Callable[[Place], None] = lambda place: None
        """Called before a request deletes an object."""
        self._now, self._uids = now, itertools.count(1)
        self._history: list[tuple[int, dict[Place, Json]]] = []

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Json:
        """Answer a request. Raises the refusals of `api_errors`."""
        plural, namespace, name, part = _parse(path)
        if method == "GET" and plural == "pods":
            selectors = dict(query or {})
            job = selectors["labelSelector"].partition("=")[2]
            return {"items": self.pods(namespace, job, selectors["fieldSelector"].partition("=")[2])}
        if method == "GET" and not name:
            return self.page(plural, namespace, dict(query or {}))
        if method == "GET":
            return copy.deepcopy(self._named(plural, namespace, name))
        assert body is not None
        if method == "POST":
            return copy.deepcopy(self.create(plural, namespace, body))
        if method == "PATCH":
            return copy.deepcopy(self.patch((plural, namespace, name), body, status=part == "status"))
        if method == "DELETE" and not name:
            return self._delete_jobs(namespace, dict(query or {})["labelSelector"], body)
        if method == "DELETE":
            return self.delete((plural, namespace, name), body)
        raise AssertionError(method)

    def create(self, plural: str, namespace: str, body: Json) -> Json:
        """Create an object. Raises Conflict if the name exists."""
        place = plural, namespace, body["metadata"]["name"]
        if place in self.objects:
            raise Conflict(409, f"{plural} {place[2]!r} already exists")
        metadata = {
            **copy.deepcopy(body["metadata"]),
            "namespace": namespace,
            "uid": f"uid-{next(self._uids)}",
            "generation": 1,
            "creationTimestamp": self._now(),
        }
        if plural == "jobs":
            self.posted.append(body)
        return self._put(place, {**copy.deepcopy(body), "metadata": metadata}, "ADDED")

    def patch(self, place: Place, body: Json, *, status: bool = False) -> Json:
        """Apply a JSON merge patch, either to the status or to everything else."""
        known = self._named(*place)
        for name in ("uid", "resourceVersion"):
            if (wanted := body.get("metadata", {}).get(name)) and wanted != known["metadata"][name]:
                raise Conflict(409, f"the {name} of {place[2]} is another one")
        merged = merge(known, body)
        # A copy, because the old state may still be listed.
        merged["metadata"] = {**merged["metadata"], "resourceVersion": known["metadata"]["resourceVersion"]}
        if place[0] == "videopipelines":
            kept = {**known, "status": merged.get("status")} if status else {**merged, "status": known.get("status")}
            merged = {name: value for name, value in kept.items() if value is not None}
        if merged == known:
            return known
        if merged.get("spec") != known.get("spec"):
            merged["metadata"]["generation"] = known["metadata"]["generation"] + 1
        if merged["metadata"].get("deletionTimestamp") and not merged["metadata"].get("finalizers"):
            self.drop(place)
            return merged
        return self._put(place, merged, "MODIFIED")

    def delete(self, place: Place, options: Json) -> Json:
        """Delete an object, or mark it as deleted while finalizers or its pods keep it."""
        known = self._named(*place)
        self.deleting(place)
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != known["metadata"]["uid"]:
            raise Conflict(409, "the UID is another one")
        foreground = options.get("propagationPolicy") == "Foreground"
        if foreground or known["metadata"].get("finalizers"):
            if not known["metadata"].get("deletionTimestamp"):
                stamped = {**known["metadata"], "deletionTimestamp": self._now()}
                known = self._put(place, {**known, "metadata": stamped}, "MODIFIED")
            return copy.deepcopy(known)
        self.drop(place)
        return {"kind": "Status", "status": "Success"}

    def _delete_jobs(self, namespace: str, selector: str, options: Json) -> Json:
        """Delete the Jobs of the pipeline and with the numbers in the selector."""
        chosen, _, numbers = selector.rpartition(f",{RUN} in ")
        pipeline, wanted = chosen.rpartition(f"{UID}=")[2], numbers.strip("()").split(",")
        for place, job in [*self.objects.items()]:
            labels = job["metadata"].get("labels") or {}
            if place[:2] == ("jobs", namespace) and labels.get(UID) == pipeline and labels.get(RUN) in wanted:
                self.delete(place, options)
        return {"kind": "Status", "status": "Success"}

    def drop(self, place: Place) -> None:
        """Remove an object."""
        gone = self.objects.pop(place)
        self.version += 1
        last = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.version)}}
        self._happened(place[0], "DELETED", last)

    def set_status(self, place: Place, status: Json) -> None:
        """Set a status, as a controller of the cluster does."""
        self._put(place, {**self.objects[place], "status": copy.deepcopy(status)}, "MODIFIED")

    def touch(self, place: Place) -> None:
        """Change a label, as another client does."""
        known = self.objects[place]
        labels = {**(known["metadata"].get("labels") or {}), "touched": str(self.version)}
        self._put(place, {**known, "metadata": {**known["metadata"], "labels": labels}}, "MODIFIED")

    def page(self, plural: str, namespace: str, query: Mapping[str, str], back: int = 0) -> Json:
        """A page of a list, of the current state or `back` versions earlier. Raises Expired for a forgotten version."""
        token = query.get("continue", "")
        version, _, start = token.partition(":") if token else (str(self._listed(back)), "", "0")
        state = next((state for at, state in self._history if at == int(version)), None)
        if state is None:
            if self._history or token:
                raise Expired(410, "the provided continue parameter is too old")
            state = {}
        found = [
            each
            for place, each in sorted(state.items())
            if place[0] == plural and (not namespace or place[1] == namespace) and _is_selected(plural, each)
        ]
        metadata: Json = {"resourceVersion": version}
        first = int(start)
        if len(found) > first + PAGE:
            metadata["continue"] = f"{version}:{first + PAGE}"
        return {"items": copy.deepcopy(found[first : first + PAGE]), "metadata": metadata}

    def since(self, version: int) -> int:
        """Number of versions after the given one, as counted by `page`."""
        return sum(at > version for at, _ in self._history)

    def _listed(self, back: int) -> int:
        return self._history[max(len(self._history) - 1 - back, 0)][0] if self._history else self.version

    def _named(self, plural: str, namespace: str, name: str) -> Json:
        if (place := (plural, namespace, name)) not in self.objects:
            raise ObjectNotFound(404, f"{plural} {name!r} not found")
        return self.objects[place]

    def _put(self, place: Place, document: Json, type_: str) -> Json:
        if not isinstance(document.get("metadata"), dict):
            raise Invalid(422, "no metadata")
        self.version += 1
        document = {**document, "metadata": {**document["metadata"], "resourceVersion": str(self.version)}}
        known = self.objects.get(place)
        self.objects[place] = document
        self._happened(place[0], _type_for_watches(place[0], type_, known, document), document)
        return document

    def _happened(self, plural: str, type_: str, document: Json) -> None:
        self._history.append((self.version, dict(self.objects)))
        del self._history[:-VERSIONS]
        if not type_:
            return
        for watcher in self.watchers:
            watcher(plural, type_, document)


def _is_selected(plural: str, document: Json) -> bool:
    """Whether the label selector of the operator's lists and watches matches an object."""
    return plural != "jobs" or (document["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER


def _type_for_watches(plural: str, type_: str, known: Json | None, document: Json) -> str:
    """The type of an event as watches with a label selector report it; empty: they do not."""
    if known is None or plural != "jobs":
        return type_
    before, after = _is_selected(plural, known), _is_selected(plural, document)
    return type_ if before and after else "DELETED" if before else "ADDED" if after else ""


def merge(known: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    base = known if isinstance(known, dict) else {}
    both = {**base, **{name: merge(base.get(name), value) for name, value in patch.items()}}
    return {name: value for name, value in both.items() if value is not None}


def _parse(path: str) -> tuple[str, str, str, str]:
    """`/apis/GROUP/VERSION[/namespaces/NAMESPACE]/PLURAL[/NAME[/PART]]`, and the same of `/api/v1`."""
    words = path.strip("/").split("/")[2 if path.startswith("/api/") else 3 :]
    namespace = ""
    if words[0] == "namespaces":
        namespace, words = words[1], words[2:]
    plural, name, part = (*words, "", "")[:3]
    return plural, namespace, name, part
