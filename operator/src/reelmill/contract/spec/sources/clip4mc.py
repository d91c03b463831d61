"""`clip4mc`: CLIP4MC's metadata, one item per clip, grouped by source video."""

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Uri


class Clip4mcBlock(SourceBlock):
    """CLIP4MC metadata (a JSON array or JSON lines; official or short keys) beside the raw videos."""

    gives = "videos"

    metadata: Uri
    """`dataset_train.json` or its like: `vid`, `transcript clip`, `begin position`, `end position`, `size`."""
    info: Uri | None = None
    """`info.csv` with `url,filename`; absent: the file is called after the video's id."""
    videos: Uri
    """Folder of the raw videos."""
