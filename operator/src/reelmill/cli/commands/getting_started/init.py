"""`reelmill init`: write a commented example pipeline."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli.display.terminal import say
from reelmill.contract.errors import SpecError


def template() -> str:
    """The example pipeline that `init` writes, as YAML."""
    return files("reelmill.cli").joinpath("pipeline.yaml").read_text()


def init(
    file: Annotated[Path, typer.Argument(help="The file to write; `-` writes to standard output.")] = Path(
        "pipeline.yaml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented example pipeline."""
    if str(file) == "-":
        print(template(), end="")
        return
    if file.is_dir():
        raise SpecError("this is a folder", where=str(file), hint=f"name a file in it: {file / 'pipeline.yaml'}")
    if file.exists() and not force:
        raise SpecError(
            "the file already exists", where=str(file), hint="choose another name, or overwrite it with --force"
        )
    try:
        file.write_text(template())
    except OSError as error:
        raise SpecError(f"cannot write the file: {error.strerror}", where=str(file)) from None
    for line in (
        f"wrote {file}",
        "next: edit its sources, then run",
        f"  reelmill plan {file}",
        f"  reelmill run {file}",
    ):
        say(line)
