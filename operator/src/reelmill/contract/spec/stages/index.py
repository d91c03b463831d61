"""`index`: validate tars and list them for the trainer."""

from typing import Literal

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.names import Share


class IndexBlock(StageBlock):
    """Counts and checks the samples of every tar; bad tars are named, not counted."""

    takes = frozenset({"tars"})
    gives = "nothing"

    check: Literal["structure", "full"] = "structure"
    """`structure` walks the headers; `full` also opens the samples and applies the trainer's rules."""
    preview: Share = "0"
    """So many tars are also written out for the eye: samples, texts and images."""
