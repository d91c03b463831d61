"""The folder of a demo: its inputs, and what an earlier demo left in it."""

import os
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from reelmill.contract.commands.demo import DemoInputs
from reelmill.contract.errors import SpecError
from reelmill_stages.commands.demo import generated_footage

INPUTS = ("videos", "captions.csv", "pipeline.yaml")
MADE = ("data", "samples", "contact-sheet.png")
"""What the demo writes beside its inputs."""
EARLIER = "earlier"
"""Folder for what earlier demos left."""


def prepare(folder: Path) -> DemoInputs:
    """Make videos, captions and the pipeline in a folder.

    Raises SpecError if it cannot be written, if it holds files of those names that no demo made, or if a package is
    missing that the pipeline needs.
    """
    for package in ("ftfy", "tokenizers"):
        if find_spec(package) is None:
            raise SpecError(
                f"the demo makes tokens of captions, which requires the package {package}",
                hint="pip install 'reelmill-stages[text]'",
            )
    pipeline = files(__package__).joinpath("pipeline.yaml").read_text()
    try:
        if (found := _left(folder)) and not _is_demo(folder, pipeline):
            raise SpecError(
                f"the folder contains {found[0].name}, which no demo created",
                where=str(folder),
                hint="name a new folder for the demo",
            )
        earlier = put_aside(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Written first: it tells an unfinished demo from a folder of somebody's own.
        (folder / "pipeline.yaml").write_text(pipeline)
        generated_footage.write(folder / "videos")
        (folder / "captions.csv").write_text(generated_footage.captions())
    except OSError as error:
        raise SpecError(
            f"the inputs of the demo cannot be written: {error.strerror}", where=str(folder), hint="name another folder"
        ) from error
    videos = [*generated_footage.VIDEOS, generated_footage.CORRUPT]
    return DemoInputs(videos=videos, broken=generated_footage.CORRUPT, earlier=str(earlier or ""))


def put_aside(folder: Path) -> Path | None:
    """Move what an earlier demo left into a folder beside it, so that this one is a first run; gives that folder.

    Nothing is deleted: somebody may have edited the pipeline or added videos.
    """
    if not (left := _left(folder)):
        return None
    number = 1
    while os.path.lexists(place := folder / EARLIER / str(number)):
        number += 1
    place.mkdir(parents=True)
    for path in left:
        path.rename(place / path.name)
    return place


def _left(folder: Path) -> list[Path]:
    return [folder / name for name in (*MADE, *INPUTS) if os.path.lexists(folder / name)]


def _is_demo(folder: Path, pipeline: str) -> bool:
    """Whether a demo was here: with its cut-off video, or not yet with more than its pipeline."""
    if (folder / "videos" / generated_footage.CORRUPT).exists():
        return True
    try:
        return (folder / "pipeline.yaml").read_text(errors="replace") == pipeline
    except FileNotFoundError:
        return False
