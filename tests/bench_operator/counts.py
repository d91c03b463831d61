"""Counts of a controller's requests to the API server, from the audit log, independent of the machine's load."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from bench_operator.load import Load, size
from cluster.control_plane import ControlPlane

Json = dict[str, Any]


def requests(load: Load, plane: ControlPlane, user: str, at_intervals: Iterable[str] = ()) -> Json:
    """Writes and reads of a user per pipeline, by kind, without the periodic reads in `at_intervals`."""
    writes = _kinds(event for event in plane.audit(user) if event["responseStatus"]["code"] < 300)
    reads = _kinds(plane.reads(user))
    for kind in at_intervals:
        reads.pop(kind, None)
    return {
        "writes a pipeline": round(writes.total() / load.pipelines, 1),
        "writes": _each(writes, load),
        "reads a pipeline": round(reads.total() / load.pipelines, 1),
        "reads": _each(reads, load),
    }


def statuses(found: Iterable[Json]) -> Json:
    """Bytes of the statuses as JSON."""
    sizes = [size(each.get("status") or {}) for each in found]
    return {"bytes a status": {"mean": round(sum(sizes) / len(sizes)), "most": max(sizes)}}


def _kinds(events: Iterable[Json]) -> Counter[str]:
    return Counter(f"{event['verb']} {event['objectRef']['resource']}" for event in events)


def _each(kinds: Counter[str], load: Load) -> dict[str, float]:
    each = {name: round(count / load.pipelines, 1) for name, count in sorted(kinds.items())}
    return {name: count for name, count in each.items() if count}
