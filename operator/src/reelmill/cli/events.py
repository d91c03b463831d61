"""`reelmill events`: what Kubernetes and the operator told about a pipeline, its Jobs and its pods."""

import re
from datetime import UTC, datetime
from typing import Any

from reelmill.cli.cluster.edge import EVENTS, JOBS, PODS, Edge, edge
from reelmill.cli.cluster.seen import Json, Seen
from reelmill.cli.options import HERE, Place
from reelmill.cli.output import Format, Output, duration, emit, say, show
from reelmill.cli.target import Name, pipeline_named

COLUMNS = ("age", "type", "reason", "object", "message")
_OURS = re.compile(r"-([0-9a-f]{10})-[vosc]\d+")
"""The part of a Job's name that tells pipelines apart; its pods' names begin with it."""


def events(name: Name, place: Place = HERE, output: Output = Format.TABLE) -> None:
    """Show the events of a pipeline, its Jobs and its pods."""
    with edge(place) as link:
        resource = pipeline_named(link, name)
        seen = looked(link, resource)
    if not output.for_people:
        emit(list(seen.events), output)
    elif seen.events:
        show([_row(event, seen) for event in seen.events], output, columns=COLUMNS)
    else:
        say(f"no events of {name}: a cluster forgets them after an hour")


def looked(link: Edge, resource: Json) -> Seen:
    """The pipeline with its Jobs, pods and events."""
    jobs, pods = link.owned(JOBS, resource), link.owned(PODS, resource)
    seen = Seen(resource, datetime.now(UTC), jobs, pods)
    return Seen(resource, seen.now, jobs, pods, about(seen, link.every(EVENTS)))


def about(seen: Seen, events: list[Json]) -> list[Json]:
    """Those of the events that are about the pipeline or what is its own, the newest last."""
    ours = {thing["metadata"]["name"] for thing in (*seen.jobs, *seen.pods)}
    hashes = seen.hashes()
    uid = seen.resource["metadata"]["uid"]

    def is_ours(event: Json) -> bool:
        involved = event.get("involvedObject") or {}
        name = str(involved.get("name") or "")
        if involved.get("kind") == seen.resource.get("kind"):
            return bool(involved.get("uid") == uid)
        found = _OURS.search(name)
        return name in ours or bool(found and found[1] in hashes)

    return sorted(filter(is_ours, events), key=_when)


def _when(event: Json) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def _row(event: Json, seen: Seen) -> dict[str, Any]:
    involved = event.get("involvedObject") or {}
    count = int((event.get("series") or {}).get("count") or event.get("count") or 1)
    times = f" (x{count})" if count > 1 else ""
    kind = str(involved.get("kind") or "").lower()
    whole = kind == "videopipeline"
    return {
        "age": duration(seen.since(_when(event))),
        "type": event.get("type"),
        "reason": event.get("reason"),
        "object": "pipeline" if whole else f"{kind} {_short(str(involved.get('name')), seen)}",
        "message": " ".join(str(event.get("message") or "").split()) + times,
    }


def _short(name: str, seen: Seen) -> str:
    """A Job's or pod's name without the pipeline's."""
    return name.removeprefix(f"{seen.name}-")
