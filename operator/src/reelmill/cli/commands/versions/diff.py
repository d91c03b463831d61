"""`reelmill diff`: what differs between two states of a data set."""

from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, RowLimit, show, show_first
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.diff_rows import DiffRow, State
from reelmill.contract.commands.signatures import DIFF, DIFF_SUMMARY
from reelmill.contract.errors import SpecError

COLUMNS = ("level", "change", "key", "what")
SUMMARY = ("level", "change", "what", "number")


def diff(
    pipeline: Target,
    other: Annotated[
        str | None, typer.Argument(metavar="OTHER", help="A second pipeline. Default: the first one.")
    ] = None,
    stage: Annotated[str, typer.Option("--stage", "-s", help="The source or stage to compare.")] = "",
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STATE",
            help="State before: KEY, KEY@SEGMENT, @SEGMENT or @NAME. Default: the current one.",
        ),
    ] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="STATE", help="State after, in the same forms. Default: the current one.")
    ] = "",
    rows: Annotated[bool, typer.Option("--rows", "-r", help="Show each difference instead of counts.")] = False,
    item: Annotated[str, typer.Option("--item", help="Limit to this item, and show each difference.")] = "",
    limit: RowLimit = None,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what differs between two states of the data set of a source or stage.

    The states are two keys, two segments or two frozen states of one pipeline (--from, --to), or the data sets that two
    pipelines have under the same name, in one store or in two. Inputs are compared by outcome, items by their fields
    and files.
    """
    one = stored(pipeline, place, elsewhere)
    two = stored(other, place, elsewhere) if other else one
    if not stage:
        raise SpecError("--stage is missing", hint=f"choose one of {', '.join(one.names())}")
    for loaded in (one, two):
        loaded.entries([stage])
    before, after = (State.parse(text) if text else State() for text in (from_, to))
    if not other and before == after:
        raise SpecError(
            "there is only one state to compare",
            hint="select an earlier state with --from KEY, KEY@SEGMENT, @SEGMENT or @NAME, or give a second pipeline",
        )
    sides = (store_commands.task(one), before), (store_commands.task(two), after)
    environment = store_commands.environment()
    if not (rows or item):
        counts = store_commands.load(DIFF_SUMMARY)(*sides, environment, name=stage)
        show([count.to_json() for count in counts], output, columns=SUMMARY)
        if not counts:
            say("there is no difference")
        return
    found = store_commands.load(DIFF)(*sides, environment, name=stage, item=item)
    if not show_first((_row(row, output) for row in found), limit, output, columns=COLUMNS):
        say("there is no difference")


def _row(row: DiffRow, output: Format) -> dict[str, Any]:
    given = row.to_json()
    return {**given, "what": _difference_text(row)} if output.for_people else given


def _difference_text(row: DiffRow) -> str:
    if row.level == "input" and row.was != row.now:
        return " -> ".join(outcome for outcome in (row.was, row.now) if outcome)
    return "; ".join(
        f"{name}: {_short_state(before)} -> {_short_state(after)}" for name, (before, after) in row.fields.items()
    )


def _short_state(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
