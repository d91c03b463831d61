"""A cache of pipelines and Jobs by UID, with the newest known version of each, trimmed.

It is updated by watches, full lists and the responses to the operator's writes, in any order: an older version never
replaces a newer one, nor one of a later object with the same name, and a deleted object never returns. Objects that
disappeared while no watch was open are removed by the next full list.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from reelmill.contract.task import Step
from reelmill.plan.jobs.build import CLOSES, PIPELINE, SHARDS, STEP, TRACE, UID
from reelmill.plan.jobs.job_labels import LOST_LABELS, has_lost_labels, original_labels

Json = dict[str, Any]
REMEMBERED = 50_000
"""Maximum number of UIDs of deleted objects that are remembered."""
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def trimmed_job(job: Json) -> Json:
    """The fields of a Job that the planner reads: no pod template, no managed fields, no zero or empty counts of pods.

    Labels that somebody removed or changed are the original ones. Equal strings are stored once.
    """
    metadata, spec, status = job["metadata"], job.get("spec") or {}, job.get("status") or {}
    annotations = metadata.get("annotations") or {}
    noted = {name: annotations[name] for name in (SHARDS, CLOSES, TRACE) if name in annotations}
    ends = [each for each in status.get("conditions") or () if each.get("type") in _ENDS]
    kept = {
        "metadata": {
            **{name: metadata[name] for name in _METADATA if name in metadata},
            **({"labels": labels} if (labels := original_labels(job)) else {}),
            **({"annotations": noted} if noted else {}),
        },
        "spec": {name: spec[name] for name in _SPEC if name in spec},
        "status": {
            **{name: status[name] for name in _STATUS if status.get(name)},
            **({"conditions": ends} if ends else {}),
        },
        **({LOST_LABELS: True} if has_lost_labels(job) else {}),
    }
    return cast(Json, _with_interned_strings(kept))


def _with_interned_strings(value: object) -> object:
    """Intern the strings of JSON: labels, owners, names of fields."""
    match value:
        case str():
            return sys.intern(value)
        case dict():
            return {sys.intern(name): _with_interned_strings(inner) for name, inner in value.items()}
        case list():
            return [_with_interned_strings(inner) for inner in value]
    return value


def trimmed_pipeline(pipeline: Json) -> Json:
    """A pipeline without managed fields and without kubectl's last-applied-configuration annotation."""
    metadata = {name: value for name, value in pipeline["metadata"].items() if name != "managedFields"}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != APPLIED}
    return {**pipeline, "metadata": {**metadata, "annotations": annotations}}


_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
)
_SPEC = ("completions", "parallelism", "suspend", "ttlSecondsAfterFinished")
_STATUS = ("active", "ready", "startTime", "completedIndexes", "failedIndexes")
_ENDS = ("Complete", "Failed")


class KindCache:
    """The cached objects of one kind."""

    def __init__(self, trim: Callable[[Json], Json]) -> None:
        self.trim = trim
        self._objects: dict[str, Json] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._owned: dict[str, set[str]] = {}
        self._gone: dict[str, float] = {}
        """UID of an object that left the watched ones -> the version at which it did; infinite: it is deleted."""
        self.newest = 0
        """The newest version that was ever seen."""

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Json]:
        return iter(list(self._objects.values()))

    def named(self, namespace: str, name: str) -> Json | None:
        """The object with that name, or None."""
        return self._objects.get(self._names.get((namespace, name), ""))

    def known(self, seen: Json) -> Json | None:
        """The cached version of an object, or None."""
        return self._objects.get(seen["metadata"]["uid"])

    def owned_by(self, uid: str) -> list[Json]:
        """The objects controlled by the object with this UID, sorted by name."""
        found = [self._objects[child] for child in self._owned.get(uid, ())]
        return sorted(found, key=lambda child: str(child["metadata"]["name"]))

    def insert(self, seen: Json) -> bool:
        """Insert a version of an object; returns whether that changed the cache."""
        metadata = seen["metadata"]
        uid = metadata["uid"]
        if version(seen) < self._gone.get(uid, -1):
            return False
        known = self._objects.get(uid) or self.named(metadata["namespace"], metadata["name"])
        if known and version(seen) <= version(known):
            return False
        if known and known["metadata"]["uid"] != uid:
            self._remove_object(known["metadata"]["uid"])
        self._gone.pop(uid, None)
        self._put_object(self.trim(seen))
        return True

    def remove(self, seen: Json) -> bool:
        """Remove an object that is known to be deleted; returns whether that changed the cache."""
        return self._forget_until(seen, float("inf"))

    def leave(self, seen: Json) -> bool:
        """Remove an object that a watch reports as deleted; returns whether that changed the cache.

        It may also have lost the label by which it is watched. Then it exists with the version of the event, and that
        or a later version may return.
        """
        return self._forget_until(seen, version(seen))

    def drop(self, namespace: str) -> list[Json]:
        """Remove the objects of a namespace that can no longer be read, and return them; they may return."""
        dropped = [known for known in self if known["metadata"]["namespace"] == namespace]
        for known in dropped:
            self._remove_object(known["metadata"]["uid"])
        return dropped

    def contradicts(self, objects: Iterable[Json], listed: int) -> bool:
        """Whether a full list of version `listed` has an older version of an object than one that precedes the list.

        Versions of an API server that were seen once cannot disappear, except by the restore of a backup.
        """
        pairs = ((seen, known) for seen in objects if (known := self.known(seen)))
        return any(version(seen) < version(known) <= listed for seen, known in pairs)

    def replace(self, objects: Iterable[Json], listed: int, namespace: str | None = None) -> list[Json]:
        """Replace the content by a full list of one or all namespaces; objects newer than version `listed` are kept.

        Returns the objects that were added, changed or removed.
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
                self._remove_object(metadata["uid"])
                changed.append(known)
        return changed

    def _forget_until(self, seen: Json, until: float) -> bool:
        uid = seen["metadata"]["uid"]
        self.newest = max(self.newest, version(seen))
        known = self._objects.get(uid)
        if known and version(known) >= until:
            return False
        self._gone[uid] = max(until, self._gone.pop(uid, until))
        while len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]
        return self._remove_object(uid)

    def _put_object(self, kept: Json) -> None:
        metadata = kept["metadata"]
        uid = metadata["uid"]
        self.newest = max(self.newest, version(kept))
        self._objects[uid] = kept
        self._names[metadata["namespace"], metadata["name"]] = uid
        if owner := controller(kept):
            self._owned.setdefault(owner["uid"], set()).add(uid)

    def _remove_object(self, uid: str) -> bool:
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
    """The caches of both kinds."""

    def __init__(self) -> None:
        self.pipelines = KindCache(trimmed_pipeline)
        self.jobs = KindCache(trimmed_job)


def version(seen: Json) -> int:
    """The resource version of an object as a number; versions of one API server can be compared."""
    text = str(seen["metadata"].get("resourceVersion") or "")
    return int(text) if text.isdigit() else 0


def difference(before: Json | None, after: Json | None) -> set[str]:
    """The top-level parts in which two versions of an object differ; for the status, its fields: `status.active`."""
    if before is None or after is None:
        return {"metadata"}
    found = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if "metadata" in found and _metadata_without_version(before) == _metadata_without_version(after):
        found.discard("metadata")
    if "status" in found:
        old, new = before.get("status") or {}, after.get("status") or {}
        found.discard("status")
        found |= {f"status.{name}" for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return found


def _metadata_without_version(seen: Json) -> Json:
    return {name: value for name, value in seen["metadata"].items() if name != "resourceVersion"}


def controller(child: Json) -> Json | None:
    """Name and UID of the pipeline that controls an object, or None.

    A removal Job has no owner because it may outlive its pipeline; its labels identify the pipeline.
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
    """The key of a pipeline in the queue."""
    return f"{namespace}/{name}"


def pipeline_key(pipeline: Json) -> str:
    """The key of a pipeline."""
    return key_of(pipeline["metadata"]["namespace"], pipeline["metadata"]["name"])


def job_key(job: Json) -> str | None:
    """The key of the pipeline to which a Job belongs, or None."""
    owner = controller(job)
    return key_of(job["metadata"]["namespace"], owner["name"]) if owner else None
