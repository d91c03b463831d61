"""Reads and prepares mouth crops, with numpy only."""

from pathlib import Path
from typing import IO, Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.untrusted.arrays import NPY, ArrayArchive, ArrayError

KEY = "data"
SIDE = 96
"""Side length of a crop in a file, in pixels."""
CROP = 88
"""Side length of the model's input, the centre of the crop, in pixels."""
MEAN, STD = 0.421, 0.165
FPS = 25.0
"""Frames per second of the crops."""

Crops = np.ndarray[Any, np.dtype[np.uint8]]
Frames = np.ndarray[Any, np.dtype[np.float32]]


def read_crops(path: Path) -> Crops:
    """Read the crops of an npz file, uint8 (T, 96, 96).

    Raises ItemError with reason `not_an_npz`, `no_data_key`, `wrong_dtype` or `wrong_shape`.
    """
    # Opened here, because numpy does not close a file in another format.
    with path.open("rb") as file:
        return crops_in(file)


def crops_in(file: IO[bytes]) -> Crops:
    """Like `read_crops`, for an open file."""
    begin = file.read(len(NPY))
    file.seek(0)
    if begin == NPY:
        raise ItemError(ItemReason.NOT_AN_NPZ, "this is a single array, not an npz file")
    try:
        with ArrayArchive(file) as archive:
            if KEY not in archive.names:
                named = ", ".join(archive.names[:8]) or "nothing"
                raise ItemError(ItemReason.NO_DATA_KEY, f"it contains {named}, but no array {KEY!r}")
            crops = archive.array(KEY)
    except ArrayError as error:
        raise ItemError(ItemReason.NOT_AN_NPZ, f"it cannot be read as an npz file: {error}") from error
    if crops.dtype != np.uint8:
        raise ItemError(ItemReason.WRONG_DTYPE, f"{KEY!r} is {crops.dtype}, not uint8: gray crops have values 0 to 255")
    if crops.ndim != 3 or crops.shape[1:] != (SIDE, SIDE) or not len(crops):
        raise ItemError(
            ItemReason.WRONG_SHAPE, f"{KEY!r} is {crops.shape}, not (T, {SIDE}, {SIDE}) with at least one frame"
        )
    return crops


def prepare(crops: Crops) -> Frames:
    """Convert crops, uint8 (T, 96, 96), to the model's input, float32 (T, 88, 88).

    Divide by 255, crop the centre, subtract the mean and divide by the standard deviation, in float64 as in the
    original pipeline (in float32, the result differs by 9e-5).
    """
    scaled = crops[:, _EDGE : _EDGE + CROP, _EDGE : _EDGE + CROP].astype(np.float64) / 255.0
    return ((scaled - MEAN) / STD).astype(np.float32)


_EDGE = (SIDE - CROP) // 2
