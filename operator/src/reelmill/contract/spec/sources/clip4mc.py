"""`clip4mc`: CLIP4MC's metadata, one item per clip, grouped by source video."""

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class Clip4mcBlock(SourceBlock):
    """CLIP4MC metadata (a JSON array or JSON lines, with official or short keys) and the raw videos."""

    data_version = 2
    gives = "videos"
    uri_field = "metadata"

    metadata: Uri
    """Metadata file such as `dataset_train.json`, with `vid`, `transcript clip`, `begin position`, `end position` and
    `size`."""
    info: Uri | None = None
    """`info.csv` with the columns `url` and `filename`. If absent, each file is named after the id of its video."""
    videos: Uri
    """Folder with the raw videos."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({"vid", "text", "start", "end", "size", "name"})
