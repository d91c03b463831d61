"""`reelmill card`: a dataset card of a stage's data set."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say, write
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.run_definition import definition_of
from reelmill.contract.commands.signatures import CARD
from reelmill.contract.text.quantities import count_of


def card(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage whose data set is described.", show_default=False)],
    folder: Annotated[
        Path, typer.Argument(help="The folder of an export of the stage, or a new one.", show_default=False)
    ],
    licence_field: Annotated[
        str,
        typer.Option("--licence-field", metavar="FIELD", help="The field of the items that names their licence."),
    ] = "",
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Write a dataset card: README.md for Hugging Face, croissant.json, and tables of the items and files.

    In the folder of an export, croissant.json also describes the files. The card describes one moment: write it again
    when the data set has grown.
    """
    loaded = stored(pipeline, place, elsewhere)
    made = store_commands.load(CARD)(
        store_commands.task(loaded),
        store_commands.environment(),
        loaded.stage(stage),
        folder,
        definition_of(loaded),
        licence_field=licence_field,
    )
    if not output.for_people:
        emit(made.to_json(), output)
        return
    write(f"{made.folder}: {count_of(made.items, 'item')}, segment {made.segment}")
    for file in made.files:
        write(f"  {made.folder}/{file}")
    if licence_field and made.licences is None:
        say(f"no item has the field {licence_field}, so the card says that licences are unknown")
    if not made.described:
        say("the folder holds no export, so croissant.json describes the tables only")
