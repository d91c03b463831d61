"""`multiview`: people recorded by several cameras at the same time, with labels of their actions."""

from typing import Annotated

from pydantic import AfterValidator, Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Text, Uri

NEWEST = "newest"
_MERGING = {"all", "merge", "merged", "any"}


def _one_annotator(text: str) -> str:
    if text.lower() in _MERGING:
        raise ValueError(
            "labels of several annotators cannot be merged, because a frame could have two labels: "
            "use newest, or the id of one annotator"
        )
    return text


class MultiviewBlock(SourceBlock):
    """One item per person and environment, from videos at `{person}/{environment}/{view}.mp4`.

    Environments are named 夜多い, 夜少ない, 昼多い and 昼少ない, or night_high, night_low, day_high and day_low.
    """

    gives = "views"
    uri_field = "videos"

    videos: Uri
    """Folder with the videos."""
    annotations: Uri | None = None
    """JSON list of `{video, videoLabels}` with the frame numbers `start`, `mid` and `end` of the part of each video to
    use. A video without an entry is used from its first frame to its last."""
    labels: Uri | None = None
    """Folder with the label files, `person_{p}_{day|night}_{high|low}_h265.json`. If given, every item must have
    one."""
    keypoints: Uri | None = None
    """Folder with the 3D keypoints, `{person}/{environment}/{view}/{frame:06d}_sam3d_body.npz`."""
    index: Uri | None = None
    """`index_mapping/index.json`: use only the items of one fold, each with its `split`. Items are identified by
    `person_id` and `env_folder`; paths in the index are ignored. If absent, all items in `videos` are used."""
    fold: Text = "0"
    """Fold of the index to use."""
    views: Annotated[
        list[Annotated[str, Field(pattern=r"^\w+$", max_length=40)]], Field(min_length=1, max_length=16)
    ] = [
        "front",
        "left",
        "right",
    ]
    """Cameras; an item must have all of them."""
    annotator: Annotated[Text, AfterValidator(_one_annotator)] = NEWEST
    """Annotator whose labels are used if a label file contains those of several: `newest` (the last change), or the id
    of an annotator."""
