"""`tars`: existing webdataset shards."""

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class TarsBlock(SourceBlock):
    """One item per tar under a prefix."""

    gives = "tars"

    uri: Uri
    """Prefix or folder with the tars."""
