"""The frames of a clip for CLIP: those of a sample, or a number of frames of a video."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.item_span import shown_in, span
from reelmill_stages.media.timeline.selection import middles
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import Work
from reelmill_stages.untrusted.arrays import ArrayError, read_array
from reelmill_stages.untrusted.images import ImageError, open_image, rgb_image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
_ARRAY, _PICTURE = ".npy", ".jpg"


def frames_of(item: Item, work: Work, count: int) -> Iterator[Pixels]:
    """Yield frames, uint8 (height, width, 3), RGB, in order.

    They are all frames of a sample of the `frames` stage or, for a video, those at the centres of `count` equal parts.
    Raises ItemError with reason `no_frames`, or those of decoding.
    """
    files = {output.key: Media(output.key, output.size, digest=output.digest) for output in item.outputs}
    pictures = sorted(key for key in files if key.endswith(_PICTURE))
    arrays = [key for key in files if key.endswith(_ARRAY)]
    if pictures:
        return (_picture_pixels(work.fetch(files[key])) for key in pictures)
    if arrays:
        return _array_frames(work.fetch(files[arrays[0]]))
    if item.media is None:
        raise ItemError(ItemReason.NO_FRAMES, "neither a video nor frames: give the frames stage layout npy or jpg")
    return _video_frames(work.open(item.media), item, count)


def _video_frames(path: MediaFile, item: Item, count: int) -> Iterator[Pixels]:
    timeline = read_timeline(path)
    window = shown_in(timeline, span(item)).frames
    turned = Turned(timeline.shape)
    for picture in decode(path, timeline, [window[index] for index in middles(len(window), count)]):
        upright = turned.of(picture.frame)
        width, height = shown_size(picture.frame, upright)
        yield render(picture.frame, width=width, height=height, turned=upright)


def _array_frames(path: Path) -> Iterator[Pixels]:
    try:
        with path.open("rb") as file:
            frames = read_array(file, path.stat().st_size)
    except ArrayError as error:
        raise ItemError(ItemReason.NO_FRAMES, f"{path.name} is not an array: {error}") from error
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
        raise ItemError(
            ItemReason.NO_FRAMES, f"{path.name} is {frames.dtype} {frames.shape}, not uint8 (N, height, width, 3)"
        )
    return iter(frames)


def _picture_pixels(path: Path) -> Pixels:
    try:
        with open_image(path) as image:
            return np.asarray(rgb_image(image))
    except ImageError as error:
        raise ItemError(ItemReason.NO_FRAMES, f"{path.name} is not an image: {error.what}") from error
