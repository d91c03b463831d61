"""What the cluster was last seen to hold: pipelines and Jobs by UID, trimmed, the newest version of each.

Fed by watches, by full lists, and by the answers to our own writes, in any order: an older version never replaces a
newer one, and a UID that was seen deleted never comes back. The watch library's own memory keeps objects that vanished
while it was not looking; here a full list takes them away.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reelmill.contract.task import Step
from reelmill.plan.jobs.build import PIPELINE, SHARDS, STEP, UID

Json = dict[str, Any]
REMEMBERED = 50_000
"""UIDs of deleted objects that are known to be gone."""
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def trimmed_job(job: Json) -> Json:
    """What planning reads of a Job: no pod template, no managed fields."""
    metadata, spec, status = job["metadata"], job.get("spec") or {}, job.get("status") or {}
    annotations = metadata.get("annotations") or {}
    return {
        "metadata": {
            **{name: metadata[name] for name in _METADATA if name in metadata},
            **({"annotations": {SHARDS: annotations[SHARDS]}} if SHARDS in annotations else {}),
        },
        "spec": {name: spec[name] for name in _SPEC if name in spec},
        "status": {name: status[name] for name in _STATUS if name in status},
    }


def trimmed_pipeline(pipeline: Json) -> Json:
    """A pipeline without managed fields and without the copy of itself that kubectl keeps in it."""
    metadata = {name: value for name, value in pipeline["metadata"].items() if name != "managedFields"}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != APPLIED}
    return {**pipeline, "metadata": {**metadata, "annotations": annotations}}


_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "labels",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
)
_SPEC = ("completions", "parallelism", "suspend", "ttlSecondsAfterFinished")
_STATUS = ("active", "ready", "startTime", "completedIndexes", "failedIndexes", "conditions")


class KindCache:
    """Objects of one kind."""

    def __init__(self, trim: Callable[[Json], Json]) -> None:
        self.trim = trim
        self._objects: dict[str, Json] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._owned: dict[str, set[str]] = {}
        self._gone: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Json]:
        return iter(list(self._objects.values()))

    def named(self, namespace: str, name: str) -> Json | None:
        """The object of a name."""
        return self._objects.get(self._names.get((namespace, name), ""))

    def owned_by(self, uid: str) -> list[Json]:
        """The objects whose controller has this UID, by name."""
        found = [self._objects[child] for child in self._owned.get(uid, ())]
        return sorted(found, key=lambda child: str(child["metadata"]["name"]))

    def insert(self, seen: Json) -> bool:
        """Take up a version of an object; false where that changes nothing."""
        uid = seen["metadata"]["uid"]
        if uid in self._gone:
            return False
        known = self._objects.get(uid)
        if known and version(seen) <= version(known):
            return False
        self._put(self.trim(seen))
        return True

    def remove(self, seen: Json) -> bool:
        """An object was deleted; false where that was known."""
        uid = seen["metadata"]["uid"]
        self._gone[uid] = None
        while len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]
        return self._drop(uid)

    def replace(self, objects: Iterable[Json], listed: int, namespace: str | None = None) -> list[Json]:
        """Make a full list of a namespace, or of all, the truth; what was seen in a later version than `listed` stays.

        Returns the objects that it added, changed or took away.
        """
        changed, found = [], set()
        for seen in objects:
            found.add(seen["metadata"]["uid"])
            if self.insert(seen):
                changed.append(seen)
        for known in self:
            metadata = known["metadata"]
            elsewhere = namespace is not None and metadata["namespace"] != namespace
            if metadata["uid"] not in found and not elsewhere and version(known) <= listed:
                self._drop(metadata["uid"])
                changed.append(known)
        return changed

    def _put(self, kept: Json) -> None:
        metadata = kept["metadata"]
        uid = metadata["uid"]
        self._objects[uid] = kept
        self._names[metadata["namespace"], metadata["name"]] = uid
        if owner := controller(kept):
            self._owned.setdefault(owner["uid"], set()).add(uid)

    def _drop(self, uid: str) -> bool:
        known = self._objects.pop(uid, None)
        if known is None:
            return False
        metadata = known["metadata"]
        name = metadata["namespace"], metadata["name"]
        if self._names.get(name) == uid:
            del self._names[name]
        if owner := controller(known):
            children = self._owned[owner["uid"]]
            children.discard(uid)
            if not children:
                del self._owned[owner["uid"]]
        return True


class Cache:
    """Both kinds."""

    def __init__(self) -> None:
        self.pipelines = KindCache(trimmed_pipeline)
        self.jobs = KindCache(trimmed_job)


def version(seen: Json) -> int:
    """An object's resource version. They can be compared within one API server's store."""
    text = str(seen["metadata"].get("resourceVersion") or "")
    return int(text) if text.isdigit() else 0


def controller(child: Json) -> Json | None:
    """Name and UID of the pipeline that controls an object, if one does.

    A removal's Job outlives its pipeline, so nothing owns it: its labels say whose it is.
    """
    for owner in child["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "VideoPipeline":
            found: Json = owner
            return found
    labels = child["metadata"].get("labels") or {}
    if labels.get(STEP) == Step.REMOVE and labels.get(PIPELINE) and labels.get(UID):
        return {"name": labels[PIPELINE], "uid": labels[UID]}
    return None


def key_of(namespace: str, name: str) -> str:
    """The queue's key of a pipeline."""
    return f"{namespace}/{name}"


def pipeline_key(pipeline: Json) -> str:
    """The key of a pipeline."""
    return key_of(pipeline["metadata"]["namespace"], pipeline["metadata"]["name"])


def job_key(job: Json) -> str | None:
    """The key of the pipeline that a Job belongs to, if it does to one."""
    owner = controller(job)
    return key_of(job["metadata"]["namespace"], owner["name"]) if owner else None
