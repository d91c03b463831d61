"""`reelmill demo`: a first pipeline, with the commands that a user would type."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.display.terminal import program, write
from reelmill.contract.commands.signatures import DEMO, DEMO_SAMPLES
from reelmill.contract.text.quantities import count_of

STEPS = (
    ("plan", "pipeline.yaml"),
    ("run", "pipeline.yaml"),
    ("ledger", "pipeline.yaml"),
    ("ledger", "pipeline.yaml", "--outcome", "failed"),
    ("export", "pipeline.yaml", "samples", "samples"),
)
SHOWN = 3
"""Samples that are described in text."""


def demo(
    folder: Annotated[
        Path, typer.Argument(help="The folder to create. Files of an earlier demo are moved aside.")
    ] = Path("demo"),
) -> None:
    """Generate a few videos, and run a pipeline on them.

    The pipeline cuts captioned spans, makes samples of frames and tokens, packs tars and indexes them. One of the
    videos is broken on purpose, so the ledger shows a failure. Needs no network and takes less than a minute.
    """
    began = time.monotonic()
    made = store_commands.load(DEMO)(folder)
    if made.earlier:
        write(f"files of an earlier demo were moved to {made.earlier}; delete them when you no longer need them")
    write(f"inputs: {folder}/videos, {folder}/captions.csv; {made.broken} is truncated")
    walk(folder)
    for line in ("", f"done in {time.monotonic() - began:.0f} s. Try next:", "", f"  cd {folder}"):
        write(line)
    for command in (
        "run pipeline.yaml                 # again: nothing is left to do",
        "status pipeline.yaml              # the status of every stage",
        "check pipeline.yaml --stage shards --all   # can a trainer read these tars?",
    ):
        write(f"  {program()} {command}")


def walk(folder: Path) -> None:
    """Run the steps of a demo in the folder with its inputs, each shown first. Exits if one fails."""
    for words in STEPS:
        write("")
        write(f"$ {program()} {' '.join(words)}")
        sys.stdout.flush()
        code = subprocess.run([sys.executable, "-P", "-m", "reelmill.cli", *words], cwd=folder, check=False).returncode
        if code:
            raise typer.Exit(code)
    found = store_commands.load(DEMO_SAMPLES)(folder)
    write("")
    write(f"read back without torch: {count_of(len(found.samples), 'sample')}")
    for sample in found.samples[:SHOWN]:
        write(f"  {sample.name}: frames {tuple(sample.shape)} {sample.dtype}, {count_of(sample.tokens, 'token')}")
    write(f"contact sheet: {folder / found.sheet}")
