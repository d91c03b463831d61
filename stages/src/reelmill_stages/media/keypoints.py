"""Reader for 3D keypoints of SAM 3D Body: one npz file per frame, named by the frame number in the whole video.

A file contains a pickled dictionary. Because the files are untrusted, only arrays and plain values are unpickled.
"""

import hashlib
import io
import re
from collections.abc import Iterable
from typing import cast

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill_stages.untrusted.arrays import ArrayArchive

KEPT = (*range(7), *range(21, 63), *range(67, 70))
"""Indexes of the used joints, out of 70: head, shoulders, both hands, acromions and neck."""
JOINTS = len(KEPT)

Joints = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""float32 (JOINTS, 3): x, y, z."""

_NAME = re.compile(r"^(\d{6,})_sam3d_body\.npz$")
_VALUES = ("pred_keypoints_3d", "poses")


def file_name(frame: int) -> str:
    """Return the name of the file of a frame."""
    return f"{frame:06d}_sam3d_body.npz"


def frame_of(name: str) -> int | None:
    """Return the frame number in a file name, or None."""
    found = _NAME.match(name)
    return int(found[1]) if found else None


def nothing() -> Joints:
    """Return zeros (JOINTS, 3), for a frame without keypoints."""
    return cast(Joints, np.zeros((JOINTS, 3), np.float32))


def read_joints(data: bytes, name: str) -> Joints:
    """Return the joints in a file, (JOINTS, 3). Raises ItemError with the reason `bad_keypoints`."""
    try:
        with ArrayArchive(io.BytesIO(data)) as archive:
            output = archive.content("output")
        if not isinstance(output, dict):
            raise TypeError("output is not a dictionary")
        points = next((output[value] for value in _VALUES if value in output), None)
        if points is None:
            raise ValueError(f"no {_VALUES[0]} in it")
        joints = np.asarray(points, np.float32)
        joints = joints.reshape(-1, 3) if joints.ndim == 1 else joints
        kept = joints[list(KEPT), :3]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ItemError(ItemReason.BAD_KEYPOINTS, f"{name}: {error}") from error
    if kept.shape != (JOINTS, 3) or not np.isfinite(kept).all():
        raise ItemError(ItemReason.BAD_KEYPOINTS, f"{name}: the joints are no finite points in space")
    return cast(Joints, kept)


def folder_digest(files: Iterable[Media]) -> tuple[int, str]:
    """Return (number of files, digest of their names and versions), for files sorted by name."""
    count, state = 0, hashlib.sha256()
    for media in files:
        name = media.uri.rpartition("/")[2]
        if frame_of(name) is not None:
            count += 1
            state.update(f"{name}\0{media.size}\0{media.etag}\n".encode())
    return count, state.hexdigest()[:32]
