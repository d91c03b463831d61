"""`reelmill tune`: what the rules of a filter stage would drop, before it runs."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit, show
from reelmill.cli.display.terminal import say, write
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.signatures import TUNE
from reelmill.contract.commands.tuning import TuneResult
from reelmill.contract.text.quantities import amount, count_of

COLUMNS = ("rule", "field", "limits", "alone", "first", "only", "failing")
_UNSEEN = 5


def tune(
    pipeline: Target,
    stage: Annotated[str, typer.Option("--stage", "-s", help="The filter stage.", show_default=False)],
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Write a page with sheets of examples into this folder."),
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", min=1, max=50, help="Number of examples on each side of a limit.")
    ] = 6,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what the rules of a filter stage would drop, based on the items of its inputs in the store.

    Histograms show the limits. The items that a rule drops are counted alone (regardless of the other rules), first (as
    the ledger will record them), and only (no other rule drops them). Nothing is written to the store, and no media is
    read without --report.
    """
    loaded = stored(pipeline, place, elsewhere)
    found = store_commands.load(TUNE)(
        store_commands.task(loaded),
        store_commands.environment(),
        stage=loaded.stage(stage),
        folder=report,
        examples=examples,
    )
    if not output.for_people:
        emit(found.to_json(), output)
        return
    _print_result(found, output)


def _print_result(found: TuneResult, output: Format) -> None:
    from reelmill.cli.display.histograms import lines

    write(f"{found.stage} keeps {amount(found.kept)} of {count_of(found.items, 'item')}")
    write("")
    show([{**rule.to_json(), "rule": rule.name} for rule in found.rules], output, columns=COLUMNS)
    write("")
    for line in lines(found):
        write(line)
    if found.report:
        write(f"report: {found.report}")
    for problem in found.unseen[:_UNSEEN]:
        say(f"no picture for {problem}")
    if len(found.unseen) > _UNSEEN:
        say(f"no pictures for {len(found.unseen) - _UNSEEN} more; the report lists all")
