"""`pairs`: clips that exist already, with their `text_video_pairs.json`."""

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Uri


class PairsBlock(SourceBlock):
    """One item per pair; only the file name of `clip_path` is used, looked up in the clips folder."""

    gives = "videos"

    uri: Uri
    """`text_video_pairs.json`."""
    clips: Uri
    """Folder of the clips."""
