"""`reelmill merge`: one list of samples of two."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.output import say
from reelmill.contract.commands import MERGE
from reelmill.contract.errors import SpecError


def merge(
    train: Annotated[Path, typer.Argument(help="A dataset_info.json whose train list is taken.")],
    test: Annotated[Path, typer.Argument(help="One whose test list is taken.")],
    out: Annotated[Path, typer.Argument(help="The dataset_info.json to write.")],
    validation: Annotated[int, typer.Option("--validation", min=1, help="Samples of val.")] = 1000,
    leak_free: Annotated[
        bool, typer.Option("--leak-free", help="Take val out of train, whole videos at a time.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is to be written.")] = False,
) -> None:
    """Make one dataset_info.json of two: CLIP4MC's train and test sets come from metadata files of their own.

    val is the first samples of train, which stay in train, as the original has it; with --leak-free no video is in
    both. Paths in the result are absolute.
    """
    if out.exists() and not force:
        raise SpecError("the file exists already", where=str(out), hint="name a new one, or say --force")
    counts = store_commands.load(MERGE)(train, test, out, validation=validation, leak_free=leak_free)
    say(f"{out}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
