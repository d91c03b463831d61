"""Reads sample folders without torch, and without executing untrusted pickles."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelmill_stages.media.decoding.picture import Pixels
from reelmill_stages.stages.frames.ids import Ids
from reelmill_stages.stages.frames.info import NAME, read_info
from reelmill_stages.stages.frames.pickles import load
from reelmill_stages.stages.frames.writer import SIZE, TEXT, VIDEO
from reelmill_stages.untrusted.nested import load_json


@dataclass(frozen=True, slots=True)
class OpenSample:
    """A sample in memory.

    `frames` uint8 (N, height, width, 3) in the stored channel order (BGR by default), `tokens` int64 (77,), `size` 16
    floats.
    """

    folder: Path
    frames: Pixels
    tokens: Ids
    size: list[float]


def open_samples(folder: Path, split: str | None = None) -> Iterator[OpenSample]:
    """The samples of an exported folder, in order, optionally of one split only.

    Raises pickle.UnpicklingError for a pickle with anything but arrays.
    """
    if split is not None:
        folders = [folder / path for path in read_info(folder / NAME)[split]]
    else:
        folders = sorted(path.parent for path in folder.rglob(VIDEO))
    for sample in folders:
        yield open_sample(sample)


def open_sample(folder: Path) -> OpenSample:
    """Read one sample folder. Raises like `open_samples`."""
    frames = load(folder / VIDEO)
    tokens = load(folder / TEXT)["tokens"]
    size = load_json((folder / SIZE).read_bytes())
    return OpenSample(folder, frames, tokens, size)
