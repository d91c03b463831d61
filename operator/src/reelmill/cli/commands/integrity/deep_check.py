"""`reelmill check --deep`: damage in the store."""

from pathlib import Path

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.output import Format, emit, show, size
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.identity import claimant
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import INTEGRITY
from reelmill.contract.text.quantities import count_of

COLUMNS = ("stage", "key", "problem")


def check_deeply(
    loaded: Loaded, stage: str, max_rate: float | None, *, read_all: bool, progress: Path | None, output: Format
) -> None:
    """Show damage in the store; exits with code 65 if there is any."""
    task = store_commands.task(loaded)
    result = store_commands.load(INTEGRITY)(
        task,
        store_commands.environment(),
        names=loaded.entries([stage]) if stage else (),
        max_rate=max_rate * 1e6 if max_rate is not None else None,
        read_all=read_all,
        progress=progress,
        claimant=None if loaded.uid else claimant(loaded, task.store.uri),
    )
    rows = [row.to_json() for row in result.damage]
    if not output.for_people:
        emit(result.to_json(), output)
    elif rows:
        show(rows, output, columns=COLUMNS)
        for remedy in dict.fromkeys(row.remedy for row in result.damage):
            say(f"hint: {remedy}")
    earlier = f", {result.earlier} more by an earlier check" if result.earlier else ""
    vouched = f", {result.by_checksum} of them by the server's checksum" if result.by_checksum else ""
    compared = f"{count_of(result.objects, 'object')} compared{vouched}"
    say(f"{compared}, {size(result.bytes)} read{earlier}: {len(rows)} damaged")
    if rows:
        raise typer.Exit(CommandExit.ITEMS)
