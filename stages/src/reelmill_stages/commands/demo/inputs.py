"""The folder of a demo: its inputs, and the results of an earlier demo in it."""

import os
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from reelmill.contract.commands.demo import DemoInputs
from reelmill.contract.errors import SpecError
from reelmill_stages.commands.demo import generated_footage

INPUTS = ("videos", "captions.csv", "pipeline.yaml")
MADE = ("data", "samples", "contact-sheet.png")
"""Names of what the demo writes next to its inputs."""
EARLIER = "earlier"
"""Folder for the results of earlier demos."""


def prepare(folder: Path) -> DemoInputs:
    """Make videos, captions and the pipeline in a folder.

    Raises SpecError if it cannot be written, if it has files of those names that are not from a demo, or if a package
    that the pipeline needs is missing.
    """
    for package in ("ftfy", "tokenizers"):
        if find_spec(package) is None:
            raise SpecError(
                f"the demo makes tokens of captions, which requires the package {package}",
                hint="pip install 'reelmill-stages[text]'",
            )
    pipeline = files(__package__).joinpath("pipeline.yaml").read_text()
    try:
        if (found := _existing_files(folder)) and not _is_demo(folder, pipeline):
            raise SpecError(
                f"the folder contains {found[0].name}, which no demo created",
                where=str(folder),
                hint="name a new folder for the demo",
            )
        earlier = move_results_aside(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Written first, to distinguish an unfinished demo from a user's folder.
        (folder / "pipeline.yaml").write_text(pipeline)
        generated_footage.write(folder / "videos")
        (folder / "captions.csv").write_text(generated_footage.captions())
    except OSError as error:
        raise SpecError(
            f"the inputs of the demo cannot be written: {error.strerror}", where=str(folder), hint="name another folder"
        ) from error
    videos = [*generated_footage.VIDEOS, generated_footage.CORRUPT]
    return DemoInputs(videos=videos, broken=generated_footage.CORRUPT, earlier=str(earlier or ""))


def move_results_aside(folder: Path) -> Path | None:
    """Move the results of an earlier demo into a folder next to it; returns that folder.

    This makes the demo a first run. Nothing is deleted, because the user may have edited the pipeline or added videos.
    """
    if not (left := _existing_files(folder)):
        return None
    number = 1
    while os.path.lexists(place := folder / EARLIER / str(number)):
        number += 1
    place.mkdir(parents=True)
    for path in left:
        path.rename(place / path.name)
    return place


def _existing_files(folder: Path) -> list[Path]:
    return [folder / name for name in (*MADE, *INPUTS) if os.path.lexists(folder / name)]


def _is_demo(folder: Path, pipeline: str) -> bool:
    """Whether the folder is from a demo: it has the corrupt video, or so far only the pipeline."""
    if (folder / "videos" / generated_footage.CORRUPT).exists():
        return True
    try:
        return (folder / "pipeline.yaml").read_text(errors="replace") == pipeline
    except FileNotFoundError:
        return False
