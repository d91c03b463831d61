"""`reelmill ledger`: the outcome of each item, and its reason."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, RowLimit, show, show_first
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.result_rows import LedgerCount
from reelmill.contract.commands.signatures import LEDGER, LEDGER_SUMMARY
from reelmill.contract.counters import counted
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Outcome

COLUMNS = ("stage", "key", "outcome", "reason", "message", "seconds", "attempt")
SUMMARY = ("stage", "outcome", "reason", "items", "counted")


def ledger(
    pipeline: Target,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", "-s", help="Limit to this source or stage; repeatable.")
    ] = None,
    class_: Annotated[list[str] | None, typer.Option("--class", "-c", help="Limit to this reason; repeatable.")] = None,
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="Limit to done, filtered, failed or skipped; repeatable.")
    ] = None,
    item: Annotated[str, typer.Option("--item", help="Limit to this item: its key, or a pattern with *.")] = "",
    history: Annotated[bool, typer.Option("--history", help="Also show rows that later rows replaced.")] = False,
    limit: RowLimit = None,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show the outcome of each item, and its reason.

    Without --class, --outcome, --item or --history, counts are shown instead of rows, together with the counters of the
    stages: fallbacks, omitted parts, and sizes.
    """
    loaded = stored(pipeline, place, elsewhere)
    stages, classes = loaded.entries(stage or ()), tuple(class_ or ())
    outcomes = tuple(_checked_outcome(word) for word in outcome or ())
    if not (classes or outcomes or item or history):
        counts = store_commands.load(LEDGER_SUMMARY)(
            store_commands.task(loaded), store_commands.environment(), stages=stages
        )
        show(
            _count_rows(counts, output),
            output,
            columns=SUMMARY if any(row.counters for row in counts) else SUMMARY[:-1],
        )
        return
    rows = store_commands.load(LEDGER)(
        store_commands.task(loaded),
        store_commands.environment(),
        stages=stages,
        classes=classes,
        outcomes=outcomes,
        item=item,
        history=history,
    )
    show_first((row.to_json() for row in rows), limit, output, columns=COLUMNS)


def _count_rows(counts: Sequence[LedgerCount], output: Format) -> list[dict[str, Any]]:
    if not output.for_people:
        return [count.to_json() for count in counts]
    return [{**count.to_json(), "counted": counted(count.counters)} for count in counts]


def _checked_outcome(word: str) -> str:
    if word not in {outcome.value for outcome in Outcome}:
        raise SpecError(f"unknown outcome {word!r}", hint="outcomes are done, filtered, failed and skipped")
    return word
