"""`reelmill replay`: one stage on one item, again, beside what was committed."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import bridge
from reelmill.cli.exits import Exit
from reelmill.cli.options import AS_NAMED, HERE, Elsewhere, Place
from reelmill.cli.output import Format, Output, emit, show
from reelmill.cli.target import Target, stored
from reelmill.contract.spec.names import seconds

COLUMNS = ("name", "size", "compared")


def replay(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage.", show_default=False)],
    item: Annotated[str, typer.Argument(help="The item's key, as the ledger shows it.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="A new folder for the outputs.")] = Path("replay"),
    elsewhere: Elsewhere = AS_NAMED,
    place: Place = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Do one item again, beside what was committed, and compare.

    Exit code 65: it could not be done.
    """
    loaded = stored(pipeline, place, elsewhere)
    timeout = seconds(loaded.graph.stages[loaded.stage(stage)].failures.item_timeout)
    done = bridge.command("replay")(
        bridge.task(loaded, sources=True), bridge.environment(), stage=stage, item=item, folder=to, timeout=timeout
    )
    if output.for_people:
        reason = f" ({done['reason']})" if done["reason"] else ""
        message = f": {done['message']}" if done["message"] else ""
        print(f"{stage} {item}: {done['outcome']}{reason}{message}")
        if done["files"]:
            show(done["files"], output, columns=COLUMNS)
            print(f"kept in {done['folder']}")
    else:
        emit(done, output)
    if done["outcome"] in ("failed", "crash", "timeout"):
        raise typer.Exit(Exit.ITEMS)
