"""`reelmill rebuild`: rebuild a sample from its lineage and the sources."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.output import Format, Output, emit, show
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.input.pipeline import load
from reelmill.contract.commands.signatures import REBUILD
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.field_types import seconds
from reelmill.plan.credentials import named_variables

COLUMNS = ("name", "size", "result")


def rebuild(
    card: Annotated[Path, typer.Argument(help="The folder of a card, or a table of lineage.", show_default=False)],
    sample: Annotated[str, typer.Option("--sample", metavar="KEY", help="The item's key.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="A new folder for the files of the item.")] = Path(
        "rebuilt"
    ),
    item_timeout: Annotated[
        str, typer.Option("--item-timeout", help="Maximum wall time of a stage for one input.")
    ] = "30m",
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", metavar="FILE", help="The pipeline file, for parameters that cards omit."),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Rebuild a sample byte for byte from its lineage and the sources alone.

    The lineage records the source objects of the sample, their versions, and the stages that processed them. These
    stages run again on this machine, in a temporary folder, and the files are compared with the digests in the lineage.
    The store of the data set is not needed. The sources, with their credentials, are needed, and so are files that
    stages refer to, such as weights. A card omits text parameters of your own code; --pipeline names the file that has
    them.

    Exits with code 65 if a file differs, and 2 if the sample cannot be rebuilt here.
    """
    loaded = load(pipeline) if pipeline else None
    found = store_commands.load(REBUILD)(
        card,
        store_commands.environment(),
        sample=sample,
        folder=to,
        timeout=_seconds(item_timeout),
        own=loaded.task() if loaded else None,
        named=named_variables(loaded.pipeline.spec) if loaded else (),
    )
    if output.for_people:
        rows = [
            {"name": file.name, "size": file.size, "result": "same" if file.digest == file.expected else "differs"}
            for file in found.files
        ]
        show(rows, output, columns=COLUMNS)
    else:
        emit(found.to_json(), output)
    if found.same:
        say(f"{found.item} of {found.stage} is identical byte for byte: {found.folder}")
        return
    say(f"{found.item} of {found.stage} was rebuilt and differs: {found.folder}")
    for tool, (then, now) in found.other_versions.items():
        say(f"  it was made with {tool} {then}, here is {now or 'none'}")
    if not found.other_versions:
        say("  the versions are the same; an encoder or a model may give different bytes on another machine")
    raise typer.Exit(CommandExit.ITEMS)


def _seconds(duration: str) -> float:
    try:
        return seconds(duration)
    except ValueError as error:
        raise SpecError(f"--item-timeout: {error}") from error
