"""`reelmill check --forgotten`: search the store for traces of forgotten items."""

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.output import Format, emit, show
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import CHECK_FORGOTTEN
from reelmill.contract.text.quantities import count_of

COLUMNS = ("source", "object")


def check_forgotten(loaded: Loaded, *, output: Format) -> None:
    """Show where traces remain; exits with code 65 if there are any."""
    found = store_commands.load(CHECK_FORGOTTEN)(store_commands.task(loaded), store_commands.environment())
    rows = [{"source": row.source, "object": key} for row in found for key in row.left]
    if not output.for_people:
        emit([row.to_json() for row in found], output)
    elif rows:
        show(rows, output, columns=COLUMNS)
    for row in found:
        items = f"{count_of(row.items, 'forgotten item')} of {row.source}"
        examined = f"{count_of(row.objects, 'object')} read, {row.named_only} compared by name only"
        if row.left:
            say(f"traces of {items} remain in {count_of(len(row.left), 'object')} ({examined})")
        elif row.items:
            say(f"no traces of {items} remain ({examined})")
        else:
            say(f"no items of {row.source} were forgotten")
        if row.unfinished:
            say(f"forgetting items of {row.source} is not finished: reelmill forget PIPELINE --continue")
    if any(row.left or row.unfinished for row in found):
        raise typer.Exit(CommandExit.ITEMS)
