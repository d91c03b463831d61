"""Reads sample folders back without torch and without trusting them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelmill_stages.media.picture import Pixels
from reelmill_stages.stages.frames.ids import Ids
from reelmill_stages.stages.frames.info import NAME, read_info
from reelmill_stages.stages.frames.pickles import load
from reelmill_stages.stages.frames.writer import SIZE, TEXT, VIDEO


@dataclass(frozen=True, slots=True)
class OpenSample:
    """`frames` uint8 (N, height, width, 3) in the stored channel order, `tokens` int64 (77,), `size` 16 floats."""

    folder: Path
    frames: Pixels
    tokens: Ids
    size: list[float]


def open_samples(folder: Path, split: str | None = None) -> Iterator[OpenSample]:
    """The samples below a folder (an export), in order; only those of one split when named.

    Raises pickle.UnpicklingError for a pickle that holds more than arrays.
    """
    if split is not None:
        folders = [folder / path for path in read_info(folder / NAME)[split]]
    else:
        folders = sorted(path.parent for path in folder.rglob(VIDEO))
    for sample in folders:
        yield open_sample(sample)


def open_sample(folder: Path) -> OpenSample:
    """One sample folder."""
    frames = load(folder / VIDEO)
    tokens = load(folder / TEXT)["tokens"]
    size = json.loads((folder / SIZE).read_text(encoding="utf-8"))
    return OpenSample(folder, frames, tokens, size)
