"""`multiview`: people filmed by several cameras at once, with the labels of what they do."""

from typing import Annotated

from pydantic import AfterValidator, Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Text, Uri

NEWEST = "newest"
_MERGING = {"all", "merge", "merged", "any"}


def _one_annotator(text: str) -> str:
    if text.lower() in _MERGING:
        raise ValueError(
            "labels of several annotators are not merged: where they overlap, one frame would have two labels. "
            "Write newest, or the id of one annotator"
        )
    return text


class MultiviewBlock(SourceBlock):
    """Videos at `videos/{person}/{environment}/{view}.mp4`, bundled by person and environment.

    Environments are called 夜多い, 夜少ない, 昼多い and 昼少ない, or night_high, night_low, day_high and day_low.
    """

    gives = "views"

    videos: Uri
    """Folder of the videos."""
    annotations: Uri | None = None
    """JSON list of `{video, videoLabels}` with the frame numbers `start`, `mid` and `end` of each video's part that
    counts. A video without an entry counts from its first frame to its last."""
    labels: Uri | None = None
    """Folder of the label files, `person_{p}_{day|night}_{high|low}_h265.json`; every item then needs one."""
    keypoints: Uri | None = None
    """Folder of the 3D keypoints, `{person}/{environment}/{view}/{frame:06d}_sam3d_body.npz`."""
    index: Uri | None = None
    """`index_mapping/index.json`: only the items of one fold, each with its `split`. Its `person_id` and `env_folder`
    count; its paths, which are those of another machine, do not. Absent: all that lies in `videos`."""
    fold: Text = "0"
    """Fold of the index."""
    views: Annotated[
        list[Annotated[str, Field(pattern=r"^\w+$", max_length=40)]], Field(min_length=1, max_length=16)
    ] = [
        "front",
        "left",
        "right",
    ]
    """Cameras; an item lacks none of them."""
    annotator: Annotated[Text, AfterValidator(_one_annotator)] = NEWEST
    """Whose labels, where a label file holds those of several people: `newest` by its time of change, or an
    annotator's id."""
