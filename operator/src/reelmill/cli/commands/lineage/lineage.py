"""`reelmill lineage`: a table of where every item of a data set comes from."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say, write
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.signatures import LINEAGE
from reelmill.contract.text.quantities import count_of


def lineage(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage, or source.", show_default=False)],
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="The Parquet file to write; an earlier lineage is replaced.")
    ] = Path("lineage.parquet"),
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Write a table of where every item of a data set comes from, as a Parquet file.

    A row leads from a source object, with its version and the exact times and frames, through the stages with their
    keys, versions and outcomes, to an item, or to the stage that produced none. Every item of the sources is in the
    table, except those that the stage has yet to cover. The file appears when it is complete.
    """
    loaded = stored(pipeline, place, elsewhere)
    (name,) = loaded.entries([stage])
    made = store_commands.load(LINEAGE)(store_commands.task(loaded), store_commands.environment(), stage=name, file=to)
    if not output.for_people:
        emit(made.to_json(), output)
        return
    items, ended = f"{count_of(made.items, 'item')} of {made.stage}", count_of(made.ended, "input")
    write(f"{made.file}: {count_of(made.rows, 'row')}, {items}, {ended} without an item")
    if made.unknown:
        say(f"the inputs of {count_of(made.unknown, 'item')} are unknown: an earlier version of reelmill wrote them")
