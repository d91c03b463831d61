"""`reelmill merge`: merge two lists of samples."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.terminal import say
from reelmill.contract.commands.signatures import MERGE
from reelmill.contract.errors import SpecError


def merge(
    train: Annotated[Path, typer.Argument(help="The dataset_info.json that provides the train list.")],
    test: Annotated[Path, typer.Argument(help="The dataset_info.json that provides the test list.")],
    out: Annotated[Path, typer.Argument(help="The dataset_info.json to write.")],
    validation: Annotated[int, typer.Option("--validation", min=1, help="Number of samples in val.")] = 1000,
    leak_free: Annotated[bool, typer.Option("--leak-free", help="Remove val from train, by whole videos.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Merge two dataset_info.json files into one.

    CLIP4MC publishes its train and test sets as separate metadata files. val consists of the first samples of train,
    which also remain in train, as in the original; with --leak-free, no video is in both. Paths in the result are
    absolute.
    """
    if out.exists() and not force:
        raise SpecError(
            "the file already exists", where=str(out), hint="choose another name, or overwrite it with --force"
        )
    counts = store_commands.load(MERGE)(train, test, out, validation=validation, leak_free=leak_free)
    say(f"{out}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
