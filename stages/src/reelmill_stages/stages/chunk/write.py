"""Writes the frames of chunks to files while they are decoded, with constant memory use.

A video is decoded once for the arrays of all chunks; a frame that two chunks share is written to both.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stages.chunk.views import View


def write_arrays(view: View, chunks: Sequence[range], targets: Sequence[Path], block: ChunkBlock) -> None:
    """Write one npy file for each chunk: uint8 (frames, height, width, 3), RGB, with rotation applied.

    Raises like `decode`, and ItemError with reason `size_changes` if the frames of the video differ in size.
    """
    timeline = read_timeline(view.path)
    wanted = sorted({view.first + frame for chunk in chunks for frame in chunk})
    size = (block.width, block.height)
    turned = Turned(timeline.shape)
    with ExitStack() as stack:
        writers: list[_Array] = []
        for picture in decode(view.path, timeline, wanted):
            frame = picture.index - view.first
            upright = turned.of(picture.frame)
            shown = shown_size(picture.frame, upright)
            width, height = size[0] or shown[0], size[1] or shown[1]
            if not block.width and writers and (height, width) != writers[0].size:
                raise ItemError(
                    ItemReason.SIZE_CHANGES,
                    f"frame {frame} of {view.path.name} has another size: give width and height",
                )
            while len(writers) < len(chunks) and chunks[len(writers)].start <= frame:
                number = len(writers)
                writers.append(stack.enter_context(_Array(targets[number], len(chunks[number]), (height, width))))
            pixels = render(picture.frame, width=width, height=height, turned=upright)
            for number in _chunks_with_frame(chunks[: len(writers)], frame):
                writers[number].add(pixels.data)
                if frame == chunks[number].stop - 1:
                    writers[number].close()


def write_videos(view: View, chunks: Sequence[range], targets: Sequence[Path], block: ChunkBlock) -> None:
    """Encode one mp4 for each chunk, without audio, with exactly its frames. Raises like `encode`."""
    scale = (block.width, block.height) if block.width and block.height else None
    how = Encoding("h264", block.crf, "fast", scale)
    with remuxer(view.path, read_timeline(view.path), audio=False) as source:
        for chunk, target in zip(chunks, targets, strict=True):
            encode(source, cut_frames(source.timeline, view.in_file(chunk)), target, how)


def _chunks_with_frame(chunks: Sequence[range], frame: int) -> Iterator[int]:
    """Indexes of the chunks that contain a frame."""
    for number in reversed(range(len(chunks))):
        if frame not in chunks[number]:
            return
        yield number


class _Array:
    """An npy file that is written frame by frame; its shape is known in advance."""

    def __init__(self, path: Path, frames: int, size: tuple[int, int]) -> None:
        self.size = size
        self._path = path
        self._shape = (frames, *size, 3)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "_Array":
        self._file = self._path.open("wb")
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": self._shape})
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, pixels: memoryview) -> None:
        assert self._file is not None
        self._file.write(pixels)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
