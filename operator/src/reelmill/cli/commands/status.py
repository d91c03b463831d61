"""`reelmill status`: the status of a pipeline in the cluster, or the data that a store has for a pipeline file."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import PIPELINES, connected_client
from reelmill.cli.cluster.follow import follow, shown
from reelmill.cli.cluster.pipeline_view import Json, PipelineView, plain
from reelmill.cli.cluster.requests import Watch
from reelmill.cli.cluster.verdict import verdict
from reelmill.cli.display.console import console
from reelmill.cli.display.metrics_text import as_resource, metrics_text
from reelmill.cli.display.output import NARROW, Format, Output, duration, emit, show
from reelmill.cli.display.terminal import say, write
from reelmill.cli.display.usage import used
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.commands.signatures import STATUS
from reelmill.contract.counters import counted
from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import amount, count_of

COLUMNS = ("name", "state", "segments", "items", "in", "done", "filtered", "failed", "skipped", "note")
LIST = ("name", "state", "stage", "shards", "failed", "age")


def status(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="The name of a pipeline in the cluster, or a pipeline file. Default: all pipelines of the namespace.",
        ),
    ] = "",
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="List pipelines of all namespaces.")
    ] = False,
    watch: Watch = False,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Print the metrics of the stages in the Prometheus text format."),
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show the status of a pipeline, or list pipelines.

    For a pipeline file, this shows the data in its store; for a name, the status of the resource in the cluster. With
    --watch, exits with code 0 when the pipeline is complete and with 65 when it has failed.
    """
    if metrics:
        if watch or output is not Format.TABLE:
            raise SpecError("--metrics cannot be combined with --watch or --output", hint="remove --watch and --output")
        for line in metrics_text(_print_resources(pipeline, place, elsewhere, everywhere=everywhere)).splitlines():
            write(line)
        return
    if pipeline and not target.is_name(pipeline):
        if watch:
            raise SpecError("--watch requires the name of a pipeline in a cluster", hint="remove --watch")
        of_store(target.local(pipeline, place, elsewhere), output)
        return
    target.refuse_local_options(pipeline, elsewhere)
    if not pipeline:
        with connected_client(place) as link:
            of_all(link.every(PIPELINES, everywhere=everywhere), link.namespace, output, everywhere=everywhere)
        return
    with target.named(pipeline, place) as (link, resource):
        if watch:
            follow(link, pipeline, output)
        elif output.for_people:
            shown(resource, output)
        else:
            emit(plain(resource), output)


def _print_resources(pipeline: str, place: ClusterOptions, elsewhere: StoreOverride, *, everywhere: bool) -> list[Json]:
    """The pipelines that are asked for, as resources with their status."""
    if pipeline and not target.is_name(pipeline):
        task = store_commands.task(target.local(pipeline, place, elsewhere))
        return [as_resource(task.owner.namespace, store_commands.load(STATUS)(task, store_commands.environment()))]
    target.refuse_local_options(pipeline, elsewhere)
    if pipeline:
        with target.named(pipeline, place) as (_, resource):
            return [resource]
    with connected_client(place) as link:
        return link.every(PIPELINES, everywhere=everywhere)


def of_all(resources: list[Json], namespace: str, output: Format, *, everywhere: bool) -> None:
    """Print pipelines, one per line."""
    if not output.for_people:
        emit([plain(resource) for resource in resources], output)
        return
    if not resources:
        say("no pipelines found" + ("" if everywhere else f" in namespace {namespace}"))
        return
    now = datetime.now(UTC)
    columns = (*(("namespace",) if everywhere else ()), *LIST, *(("why", "store") if output is Format.WIDE else ()))
    show([_pipeline_row(PipelineView(resource, now)) for resource in resources], output, columns=columns)


def _pipeline_row(seen: PipelineView) -> dict[str, Any]:
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
    """Print the data of each source and stage, read from the store only."""
    rows = store_commands.load(STATUS)(store_commands.task(loaded), store_commands.environment())
    if output is Format.WIDE:
        wide = [{**row.to_json(), "counted": counted(row.counters), "note": note(row)} for row in rows]
        show(wide, output, columns=(*COLUMNS[:-1], "counted", "note"))
        for line in (f"{row.name}: {used(row.usage)}" for row in rows if row.usage):
            write(line)
        return
    noted = [{**row.to_json(), "note": note(row, counted(row.counters))} for row in rows]
    narrow = output is Format.TABLE and console().width < NARROW
    show(noted, output, columns=COLUMNS[:-1] if narrow else COLUMNS)
    for row in noted if narrow else ():
        if row["note"]:
            write(f"{row['name']}: {row['note']}")


def note(row: StatusRow, counters: str = "") -> str:
    """The note for a row: its open pass, segments to cover, a changed definition, or reasons and `counters`."""
    if opened := row.pass_:
        ago = opened.seconds_ago
        beat = f", last heartbeat {duration(ago)} ago" if ago is not None else ""
        return f"pass {opened.segment}: {amount(opened.committed)} of {count_of(opened.shards, 'shard')}{beat}"
    if row.uncovered:
        return "to cover: " + ", ".join(f"{count} of {name}" for name, count in row.uncovered.items())
    if row.state == "empty" and row.latest:
        return f"its definition changed; the previous data set is {row.name}/{row.latest.key[:10]}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in row.reasons.items())
    return "; ".join(filter(None, (reasons, counters)))
