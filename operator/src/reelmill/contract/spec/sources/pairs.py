"""`pairs`: existing clips with a `text_video_pairs.json`."""

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class PairsBlock(SourceBlock):
    """One item per pair. Of `clip_path`, only the file name is used, to find the clip in the clips folder."""

    data_version = 2
    gives = "videos"

    uri: Uri
    """The `text_video_pairs.json` file."""
    clips: Uri
    """Folder with the clips."""
