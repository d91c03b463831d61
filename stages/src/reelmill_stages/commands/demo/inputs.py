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

    Raises SpecError if it cannot be written, or if a package is missing that the pipeline needs.
    """
    for package in ("ftfy", "tokenizers"):
        if find_spec(package) is None:
            raise SpecError(
                f"the demo makes tokens of captions, which requires the package {package}",
                hint="pip install 'reelmill-stages[text]'",
            )
    try:
        earlier = put_aside(folder)
        generated_footage.write(folder / "videos")
        (folder / "captions.csv").write_text(generated_footage.captions())
        (folder / "pipeline.yaml").write_text(files(__package__).joinpath("pipeline.yaml").read_text())
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
    left = [folder / name for name in (*MADE, *INPUTS) if os.path.lexists(folder / name)]
    if not left:
        return None
    number = 1
    while os.path.lexists(place := folder / EARLIER / str(number)):
        number += 1
    place.mkdir(parents=True)
    for path in left:
        path.rename(place / path.name)
    return place
