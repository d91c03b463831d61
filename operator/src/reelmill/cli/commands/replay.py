"""`reelmill replay`: process one item again and compare the result with the committed outputs."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit, show
from reelmill.cli.display.terminal import write
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.signatures import REPLAY
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.spec.field_types import seconds
from reelmill.plan.credentials import named_variables

COLUMNS = ("name", "size", "compared")


def replay(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage to run.", show_default=False)],
    item: Annotated[str, typer.Argument(help="The item's key, as the ledger shows it.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="A new folder for the outputs.")] = Path("replay"),
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Process one item again and compare the results.

    The outputs are written to a new folder; committed data is not changed.

    Exits with code 65 if the item fails.
    """
    loaded = stored(pipeline, place, elsewhere)
    timeout = seconds(loaded.graph.stages[loaded.stage(stage)].failures.item_timeout)
    done = store_commands.load(REPLAY)(
        store_commands.task(loaded, sources=True),
        step_environment(store_commands.environment(), named_variables(loaded.pipeline.spec)),
        stage=stage,
        item=item,
        folder=to,
        timeout=timeout,
    )
    if output.for_people:
        reason = f" ({done.reason})" if done.reason else ""
        message = f": {done.message}" if done.message else ""
        write(f"{stage} {item}: {done.outcome}{reason}{message}")
        if done.files:
            show([file.to_json() for file in done.files], output, columns=COLUMNS)
            write(f"written to {done.folder}")
    else:
        emit(done.to_json(), output)
    if done.outcome in ("failed", "crash", "timeout"):
        raise typer.Exit(CommandExit.ITEMS)
