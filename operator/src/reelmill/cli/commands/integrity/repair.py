"""`reelmill repair`: rebuild damaged output files."""

import time
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit, show
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.identity import claimant
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.signatures import REPAIR
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.text.quantities import count_of

COLUMNS = ("stage", "key", "problem", "repaired", "why")


def repair(
    pipeline: Target,
    stage: Annotated[str, typer.Option("--stage", "-s", help="Repair the data set of this stage only.")] = "",
    max_rate: Annotated[
        float | None, typer.Option("--max-rate", min=0.001, help="Maximum read rate in MB per second.")
    ] = None,
    read_all: Annotated[
        bool, typer.Option("--read-all", help="Read every byte, even where an S3 server has a checksum.")
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Rebuild damaged output files.

    Compares everything like check --deep. A damaged file of a single item is made again by its stage, and replaces the
    damaged one only if it has the committed digest; the damaged one is moved to the store's trash. For everything else,
    the reason why it is not repaired is shown.

    Exits with code 65 if damage remains.
    """
    loaded = stored(pipeline, place, elsewhere)
    task = store_commands.task(loaded, sources=True)
    done = store_commands.load(REPAIR)(
        task,
        store_commands.environment(),
        timeouts={name: seconds(block.failures.item_timeout) for name, block in loaded.graph.stages.items()},
        now=time.time(),
        names=loaded.entries([stage]) if stage else (),
        max_rate=max_rate * 1e6 if max_rate is not None else None,
        read_all=read_all,
        claimant=None if loaded.uid else claimant(loaded, task.store.uri),
    )
    left = sum(not row.repaired for row in done.rows)
    if not output.for_people:
        emit(done.to_json(), output)
    elif done.rows:
        show([row.to_json() for row in done.rows], output, columns=COLUMNS)
    say(f"{count_of(len(done.rows), 'damaged object')}, {len(done.rows) - left} repaired")
    if done.trash:
        say(f"damaged objects were moved to {done.trash}")
    if left:
        raise typer.Exit(CommandExit.ITEMS)
