"""`reelmill trace`: what an item was made of, and what was made of it."""

from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, RowLimit, show_first
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.lineage_rows import SourceTime, TraceRow
from reelmill.contract.commands.signatures import TRACE
from reelmill.contract.text.quantities import count_of

COLUMNS = ("way", "stage", "item", "outcome", "what")


def trace(
    pipeline: Target,
    item: Annotated[str, typer.Argument(help="The item's key.", show_default=False)],
    stage: Annotated[
        str,
        typer.Option(
            "--stage",
            "-s",
            help="The source or stage that has the item. Default: the first one with an item of this key.",
        ),
    ] = "",
    limit: RowLimit = None,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what an item was made of, and all items and files that were made of it.

    An origin is an item of an earlier stage; the first one is the source object, with its version. A result is an item
    of a later stage that contains data of the item, a file, or an input whose outcome is not done. JSON and YAML
    contain the exact times, the tools' versions and the digests of all files.
    """
    loaded = stored(pipeline, place, elsewhere)
    if stage:
        loaded.entries([stage])
    found = store_commands.load(TRACE)(
        store_commands.task(loaded), store_commands.environment(), item=item, stage=stage
    )
    rows = list(found)
    show_first((_table_row(row, output) for row in rows), limit, output, columns=COLUMNS)
    if unknown := [row for row in rows if not row.known]:
        names = ", ".join(dict.fromkeys(row.stage for row in unknown))
        say(f"the inputs of items of {names} are unknown: an earlier version of reelmill wrote them")


def _table_row(row: TraceRow, output: Format) -> dict[str, Any]:
    given = row.to_json()
    return {**given, "outcome": _outcome_text(row), "what": _description(row)} if output.for_people else given


def _outcome_text(row: TraceRow) -> str:
    return f"{row.outcome}({row.reason})" if row.reason else row.outcome


def _description(row: TraceRow) -> str:
    if not row.known:
        return "unknown"
    files = [file.key for file in row.files]
    media = row.media["uri"] if row.media else ""
    named = [media, *(key for key in files if key != media)] if media else files
    return " ".join(filter(None, [", ".join(named), _time_text(row.time), row.message]))


def _time_text(time: SourceTime | None) -> str:
    if time is None:
        return ""
    frames = f" frames {time.first_frame} to {time.end_frame}" if time.end_frame is not None else ""
    taken = f" {count_of(len(time.frames), 'frame')}" if time.frames else ""
    return f"[{time.in_pts}, {time.out_pts}) x {time.time_base} s{frames or taken}"
