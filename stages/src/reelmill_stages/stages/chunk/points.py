"""Keypoints of chunks: references to their files, or one array for each view."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill_stages.file_names import safe_stem
from reelmill_stages.media.keypoints import JOINTS, folder_digest, frame_of, nothing, read_joints
from reelmill_stages.stage import File, Work

PointReferences = dict[str, dict[str, Any]]
"""View -> location of its keypoints, and their frame numbers."""


def folder_references(folders: Mapping[str, Any], chunks: Mapping[str, Sequence[range]]) -> list[PointReferences]:
    """Return the folders of keypoints for each chunk. `chunks` maps views to the frame numbers of each chunk."""
    count = max(map(len, chunks.values()), default=0)
    return [
        {
            name: {**folders[name], "frames": [numbers[place].start, numbers[place].stop]}
            for name, numbers in chunks.items()
            if name in folders
        }
        for place in range(count)
    ]


def write_points(
    folders: Mapping[str, Any], chunks: Mapping[str, Sequence[range]], names: Sequence[str], work: Work
) -> tuple[list[PointReferences], list[list[File]], int]:
    """Write the keypoints of chunks as arrays.

    Returns (references for each chunk, files of each chunk, number of frames without keypoints). `names` are the
    folders of the chunks. Raises ItemError with reason `changed`, `missing` or `bad_keypoints`.
    """
    references: list[PointReferences] = [{} for _ in names]
    files: list[list[File]] = [[] for _ in names]
    lost = 0
    for view, numbers in chunks.items():
        if view not in folders:
            continue
        source = PointFolder(folders[view], work)
        ending = f"{safe_stem(view)}_keypoints.npy"
        for place, frames in enumerate(numbers):
            target = work.scratch / names[place] / ending
            missing = source.write(frames, target)
            lost += missing
            files[place].append(File(f"{names[place]}/{ending}", target))
            references[place][view] = {"file": ending, "frames": [frames.start, frames.stop], "missing": missing}
    return references, files, lost


class PointFolder:
    """The keypoint files of one view. Raises ItemError with reason `changed` if they differ from the listing."""

    def __init__(self, reference: Mapping[str, Any], work: Work) -> None:
        self._work = work
        files = list(work.files_in(reference["uri"], reference["source"]))
        if folder_digest(files) != (reference["files"], reference["digest"]):
            raise ItemError(
                ItemReason.CHANGED, f"the keypoints in {reference['uri']} have changed since they were listed"
            )
        self._files: dict[int, Media] = {}
        for media in files:
            frame = frame_of(media.uri.rpartition("/")[2])
            if frame is not None:
                self._files[frame] = media

    def write(self, frames: range, target: Path) -> int:
        """Write a float32 array (frames, joints, 3), with zeros for frames without a file; returns their number."""
        points = np.lib.format.open_memmap(target, mode="w+", dtype=np.float32, shape=(len(frames), JOINTS, 3))
        missing = 0
        for place, frame in enumerate(frames):
            media = self._files.get(frame)
            missing += media is None
            points[place] = nothing() if media is None else read_joints(self._work.content(media), media.uri)
        points.flush()
        return missing
