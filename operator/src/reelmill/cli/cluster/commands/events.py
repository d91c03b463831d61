"""`reelmill events`: the Kubernetes events of a pipeline, its Jobs and its pods."""

import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from reelmill.cli.cluster.client import EVENTS, JOBS, PODS, ClusterClient
from reelmill.cli.cluster.pipeline_view import Json, PipelineView
from reelmill.cli.cluster.target import Name, named
from reelmill.cli.display.console import console
from reelmill.cli.display.output import NARROW, Format, Output, duration, emit, show
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import HERE, ClusterOptions
from reelmill.contract.text.messages import safe_message
from reelmill.contract.text.terminal import printable
from reelmill.plan.jobs.names import LETTERS

COLUMNS = ("age", "type", "reason", "object", "message")
_JOB = re.compile(r"(?P<stage>[a-z0-9-]+)-(?P<hash>[0-9a-f]{10})-(?P<letter>[vosc])\d+(?P<pod>-\d+-\w+)?\Z")
"""The name of a Job or of its pod; the hash identifies the pipeline."""
_STEPS = {letter: step.value for step, letter in LETTERS.items()}


def events(
    name: Name,
    every: Annotated[bool, typer.Option("--all", help="Also show normal events of Jobs and pods.")] = False,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show the events of a pipeline, its Jobs and its pods.

    For Jobs and pods, only warnings are shown unless --all is given.
    """
    with named(name, place) as (link, resource):
        seen = fetched_view(link, resource)
    if not output.for_people:
        emit(list(seen.events), output)
    elif seen.events:
        shown = [row for row in rows(seen) if every or row["type"] == "Warning" or row["object"] == "pipeline"]
        _print_events(shown, output)
    else:
        say(f"no events for {name}: by default a cluster keeps events for one hour")


def fetched_view(link: ClusterClient, resource: Json) -> PipelineView:
    """Fetch the Jobs, pods and events of a pipeline."""
    jobs, pods = link.owned(JOBS, resource), link.owned(PODS, resource)
    seen = PipelineView(resource, datetime.now(UTC), jobs, pods)
    return PipelineView(resource, seen.now, jobs, pods, about(seen, link.every(EVENTS)))


def about(seen: PipelineView, events: list[Json]) -> list[Json]:
    """The events that concern the pipeline, its Jobs or its pods, the newest last."""
    ours = {thing["metadata"]["name"] for thing in (*seen.jobs, *seen.pods)}
    hashes = seen.hashes()
    uid = seen.resource["metadata"]["uid"]

    def is_ours(event: Json) -> bool:
        involved = event.get("involvedObject") or {}
        name = str(involved.get("name") or "")
        if involved.get("kind") == seen.resource.get("kind"):
            return bool(involved.get("uid") == uid)
        found = _JOB.match(name)
        return name in ours or bool(found and found["hash"] in hashes)

    return sorted(filter(is_ours, events), key=_last_time)


def _last_time(event: Json) -> str:
    series = event.get("series") or {}
    stamp = str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )
    return re.sub(r"\.\d+", "", stamp)  # only some stamps have microseconds


def rows(seen: PipelineView) -> Iterator[dict[str, Any]]:
    """One row for equal messages about pods of one Job, with the age of the latest and the number of occurrences."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in seen.events:
        message = " ".join(safe_message(str(event.get("message") or "")).split())
        key = (str(event.get("type")), str(event.get("reason")), _object_name(event, seen), _POD.sub("", message))
        times = int((event.get("series") or {}).get("count") or event.get("count") or 1)
        times += found.pop(key, {}).get("times", 0)
        found[key] = {
            "age": duration(seen.since(_last_time(event))),
            "type": key[0],
            "reason": key[1],
            "object": key[2],
            "message": message,
            "times": times,
        }
    for row in found.values():
        yield {**row, "message": row["message"] + (f" (x{row['times']})" if row["times"] > 1 else "")}


_POD = re.compile(r"\S+-[0-9a-f]{10}-[vosc]\d+-\d+-\w+")


def _object_name(event: Json, seen: PipelineView) -> str:
    """`pipeline`, or the stage and step of a Job or pod: `clips shards pod`."""
    involved = event.get("involvedObject") or {}
    kind, name = str(involved.get("kind") or "").lower(), str(involved.get("name") or "")
    if kind == "videopipeline":
        return "pipeline"
    found = _JOB.match(name.removeprefix(f"{seen.name}-"))
    if found is None:
        return f"{kind} {name}"
    step = _STEPS[found["letter"]]
    return f"{step} {kind}" if step == "survey" else f"{found['stage']} {step} {kind}"


def _print_events(rows: list[dict[str, Any]], output: Format) -> None:
    """Print a table, or two lines per event on a narrow terminal."""
    screen = console()
    if screen.width >= NARROW or output is Format.WIDE:
        show(rows, output, columns=COLUMNS)
        return
    for row in rows:
        head = Text().append(f"{row['age']:<8}", style="dim")
        head.append(f"{row['reason']}  ", style="yellow" if row["type"] == "Warning" else "")
        screen.print(head.append(row["object"], style="cyan"))
        for line in textwrap.wrap(printable(row["message"]), screen.width - 8):
            screen.print(Text(" " * 8 + line))
