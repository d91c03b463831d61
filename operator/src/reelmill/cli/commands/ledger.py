"""`reelmill ledger`: what became of which item, and why."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, say, show
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.command_rows import StageLedgerRow
from reelmill.contract.commands import LEDGER, LEDGER_SUMMARY
from reelmill.contract.errors import SpecError
from reelmill.contract.record import Outcome

COLUMNS = ("stage", "key", "outcome", "reason", "message", "seconds", "attempt")
SUMMARY = ("stage", "outcome", "reason", "items")
LIMIT = 50


def ledger(
    pipeline: Target,
    stage: Annotated[list[str] | None, typer.Option("--stage", "-s", help="Only this source or stage.")] = None,
    class_: Annotated[list[str] | None, typer.Option("--class", "-c", help="Only this reason.")] = None,
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="Only done, filtered, failed or skipped.")
    ] = None,
    item: Annotated[str, typer.Option("--item", help="Only this item: its key, or a pattern with *.")] = "",
    history: Annotated[bool, typer.Option("--history", help="Rows that later ones replaced, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many rows; 0: all.")] = LIMIT,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what became of the items, and why.

    A summary, or rows as soon as something is asked for.
    """
    loaded = stored(pipeline, place, elsewhere)
    stages, classes = loaded.entries(stage or ()), tuple(class_ or ())
    outcomes = tuple(_outcome(word) for word in outcome or ())
    if not (classes or outcomes or item or history):
        counts = store_commands.load(LEDGER_SUMMARY)(
            store_commands.task(loaded), store_commands.environment(), stages=stages
        )
        show([count.to_json() for count in counts], output, columns=SUMMARY)
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
    _show(rows, limit, output)


def _show(rows: Iterable[StageLedgerRow], limit: int, output: Format) -> None:
    rows = iter(rows)
    show([row.to_json() for row in islice(rows, limit or None)], output, columns=COLUMNS)
    if limit and next(rows, None) is not None:
        say(f"there are more than {limit} rows: say --limit 0 for all of them")


def _outcome(word: str) -> str:
    if word not in {outcome.value for outcome in Outcome}:
        raise SpecError(f"no outcome is called {word!r}", hint="there are done, filtered, failed and skipped")
    return word
