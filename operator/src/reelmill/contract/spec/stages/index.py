"""`index`: validate tars and list them for a trainer."""

from typing import Literal

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Share


class IndexBlock(StageBlock):
    """Counts and checks the samples of every tar; invalid tars are listed separately."""

    takes = frozenset({"tars"})
    gives = "nothing"

    check: Literal["structure", "full"] = "structure"
    """`structure`: read the headers only; `full`: also open the samples and apply the rules of the trainer."""
    preview: Share = "0"
    """Number or percentage of tars whose samples, texts and images are also written as plain files for inspection."""
