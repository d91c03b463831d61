"""Writes the files of a sample frame by frame, with constant memory use.

`clip4mc`: video_input.pkl, text_input.pkl, size.json. `npy`: frames.npy. `jpg`: 000000.jpg, 000001.jpg, …
"""

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decoding.jpeg import jpeg
from reelmill_stages.media.decoding.picture import Color, Pixels
from reelmill_stages.stages.frames.ids import Ids
from reelmill_stages.stages.frames.pickles import FRAMES_TAIL, dump_arrays, frames_head

VIDEO, TEXT, SIZE, ARRAY = "video_input.pkl", "text_input.pkl", "size.json", "frames.npy"


class FrameWriter(Protocol):
    """Writes all frames of one sample, in order."""

    def add(self, pixels: Pixels) -> None: ...

    def close(self) -> Sequence[Path]:
        """The finished files."""
        ...

    def discard(self) -> None:
        """Delete the files."""
        ...


def frame_writer(block: FramesBlock, folder: Path, frames: int) -> FrameWriter:
    """A writer for `frames` frames into a new folder, in the layout of the block."""
    folder.mkdir(parents=True)
    if block.layout == "jpg":
        return _Jpegs(folder, block.jpeg_quality)
    shape = (frames, block.height, block.width, 3)
    if block.layout == "npy":
        return _Array(folder / ARRAY, _npy_head(shape), b"")
    return _Array(folder / VIDEO, frames_head(shape), FRAMES_TAIL)


def color(block: FramesBlock) -> Color:
    """Channel order of the stored frames."""
    return block.color or ("bgr" if block.layout == "clip4mc" else "rgb")


def write_text(folder: Path, ids: Ids) -> Path:
    """Write text_input.pkl: `{"tokens": int64 (77,)}`."""
    path = folder / TEXT
    path.write_bytes(dump_arrays({"tokens": ids}))
    return path


def write_size(folder: Path, size: Sequence[float]) -> Path:
    """Write size.json: a list of numbers, all with a decimal point."""
    path = folder / SIZE
    path.write_text(json.dumps([float(value) for value in size]))
    return path


class _Array:
    """A file consisting of a head, the content of the frames, and a tail."""

    def __init__(self, path: Path, head: bytes, tail: bytes) -> None:
        self._path = path
        self._head = head
        self._tail = tail
        self._file: IO[bytes] | None = None

    def add(self, pixels: Pixels) -> None:
        # Opened at the first frame, because a group may have more samples than a process may have open files.
        if self._file is None:
            self._file = self._path.open("wb")
            self._file.write(self._head)
        self._file.write(pixels.data)

    def close(self) -> Sequence[Path]:
        if self._file is not None:
            self._file.write(self._tail)
            self._file.close()
        return [self._path]

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
        shutil.rmtree(self._path.parent)


class _Jpegs:
    def __init__(self, folder: Path, quality: int) -> None:
        self._folder = folder
        self._quality = quality
        self._paths: list[Path] = []

    def add(self, pixels: Pixels) -> None:
        path = self._folder / f"{len(self._paths):06d}.jpg"
        path.write_bytes(jpeg(pixels, self._quality))
        self._paths.append(path)

    def close(self) -> Sequence[Path]:
        return self._paths

    def discard(self) -> None:
        shutil.rmtree(self._folder)


def _npy_head(shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return out.getvalue()
