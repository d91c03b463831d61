"""`reelmill status`: a pipeline in the cluster as its resource has it, or what a store has for a pipeline file."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import PIPELINES, edge
from reelmill.cli.cluster.follow import follow, shown
from reelmill.cli.cluster.observed import Json, PipelineView, plain
from reelmill.cli.cluster.requests import Watch
from reelmill.cli.cluster.verdict import verdict
from reelmill.cli.display.output import NARROW, Format, Output, console, duration, emit, say, show
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.command_rows import StatusRow
from reelmill.contract.commands import STATUS
from reelmill.contract.errors import SpecError

COLUMNS = ("name", "state", "segments", "items", "in", "done", "filtered", "failed", "skipped", "note")
LIST = ("name", "state", "stage", "shards", "failed", "age")


def status(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="The name of a pipeline in the cluster, or a pipeline file; left out: all pipelines of the namespace.",
        ),
    ] = "",
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Pipelines of all namespaces.")] = False,
    watch: Watch = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show how far a pipeline is, or what the store of a file has.

    With --watch, exit code 0 says that it is complete, 65 that it failed.
    """
    if pipeline and not target.is_name(pipeline):
        if watch:
            raise SpecError("--watch goes with the name of a pipeline in a cluster", hint="leave it out")
        of_store(target.local(pipeline, place, elsewhere), output)
        return
    target.only_local(pipeline, elsewhere)
    if not pipeline:
        with edge(place) as link:
            of_all(link.every(PIPELINES, everywhere=everywhere), link.namespace, output, everywhere=everywhere)
        return
    with target.named(pipeline, place) as (link, resource):
        if watch:
            follow(link, pipeline, output)
        elif output.for_people:
            shown(resource, output)
        else:
            emit(plain(resource), output)


def of_all(resources: list[Json], namespace: str, output: Format, *, everywhere: bool) -> None:
    """Pipelines, one a line."""
    if not output.for_people:
        emit([plain(resource) for resource in resources], output)
        return
    if not resources:
        say("there are no pipelines" + ("" if everywhere else f" in the namespace {namespace}"))
        return
    now = datetime.now(UTC)
    columns = (*(("namespace",) if everywhere else ()), *LIST, *(("why", "store") if output is Format.WIDE else ()))
    show([_line(PipelineView(resource, now)) for resource in resources], output, columns=columns)


def _line(seen: PipelineView) -> dict[str, Any]:
    word, rest = verdict(seen)
    status = seen.status
    return {
        "namespace": seen.namespace,
        "name": seen.name,
        "state": word,
        "stage": status.active,
        "shards": status.shards,
        "failed": status.failed,
        "age": duration(seen.age),
        "why": rest,
        "store": status.store,
    }


def of_store(loaded: Any, output: Format) -> None:
    """What each source and stage of a file has, from the store alone."""
    rows = store_commands.load(STATUS)(store_commands.task(loaded), store_commands.environment())
    noted = [{**row.to_json(), "note": note(row)} for row in rows]
    narrow = output is Format.TABLE and console().width < NARROW
    show(noted, output, columns=COLUMNS[:-1] if narrow else COLUMNS)
    for row in noted if narrow else ():
        if row["note"]:
            print(f"{row['name']}: {row['note']}")


def note(row: StatusRow) -> str:
    """What a person should know of a row besides its numbers."""
    if opened := row.pass_:
        ago = opened.seconds_ago
        beat = f", last sign of life {duration(ago)} ago" if ago is not None else ""
        return f"pass {opened.segment}: {opened.committed} of {opened.shards} shards{beat}"
    if row.uncovered:
        return "to cover: " + ", ".join(f"{count} of {name}" for name, count in row.uncovered.items())
    if row.state == "empty" and row.latest:
        return f"its definition changed; the former data set is {row.name}/{row.latest.key[:10]}"
    return ", ".join(f"{reason} {count}" for reason, count in row.reasons.items())
