"""`reelmill export`: one plain folder of what a stage made."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import bridge, pipeline
from reelmill.cli.output import Format, Output, emit, size


class Mode(StrEnum):
    """How the files come into the folder."""

    LINK = "link"
    COPY = "copy"
    DOWNLOAD = "download"


def export(
    file: pipeline.File,
    stage: Annotated[str, typer.Argument(help="The stage.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier export to complete.", show_default=False)],
    mode: Annotated[Mode | None, typer.Option("--mode", help="Left out: link where possible.")] = None,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    output: Output = Format.TABLE,
) -> None:
    """Write a plain folder with absolute paths, as a trainer wants it."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    made = bridge.command("export")(
        bridge.task(loaded), bridge.environment(), loaded.stage(stage), folder, mode.value if mode else None
    )
    if output is not Format.TABLE:
        emit(made, output)
        return
    print(f"{made['folder']}: {made['files']} files, {size(made['bytes'])} ({made['mode']})")
    for view in made["views"]:
        print(f"  {made['folder']}/{view}")
