"""`reelmill export`: one plain folder of what a stage made."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import bridge
from reelmill.cli.options import AS_NAMED, HERE, Elsewhere, Place
from reelmill.cli.output import Format, Output, emit, size
from reelmill.cli.target import Target, stored


class Mode(StrEnum):
    """How the files come into the folder."""

    LINK = "link"
    COPY = "copy"
    DOWNLOAD = "download"


def export(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier export to complete.", show_default=False)],
    mode: Annotated[Mode | None, typer.Option("--mode", help="Left out: link where possible.")] = None,
    elsewhere: Elsewhere = AS_NAMED,
    place: Place = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Write a plain folder with absolute paths, as a trainer wants it."""
    loaded = stored(pipeline, place, elsewhere)
    made = bridge.command("export")(
        bridge.task(loaded), bridge.environment(), loaded.stage(stage), folder, mode.value if mode else None
    )
    if not output.for_people:
        emit(made, output)
        return
    print(f"{made['folder']}: {made['files']} files, {size(made['bytes'])} ({made['mode']})")
    for view in made["views"]:
        print(f"  {made['folder']}/{view}")
