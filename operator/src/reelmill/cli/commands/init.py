"""`reelmill init`: a commented pipeline to begin with."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli.display.output import say
from reelmill.contract.errors import SpecError


def template() -> str:
    """The pipeline that `init` writes."""
    return files("reelmill.cli").joinpath("pipeline.yaml").read_text()


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it; `-` writes to standard output.")] = Path(
        "pipeline.yaml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented pipeline to begin with."""
    if str(file) == "-":
        print(template(), end="")
        return
    if file.exists() and not force:
        raise SpecError("the file exists already", where=str(file), hint="name another one, or say --force")
    try:
        file.write_text(template())
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", where=str(file)) from None
    say(f"wrote {file}\nnext: edit its sources, then\n  reelmill plan {file}\n  reelmill run {file}")
