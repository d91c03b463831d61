"""Record of the parts of segments that a verification found intact, so that it can continue after an interruption."""

from collections.abc import Mapping

from reelmill.contract.model import Model


class ProgressRecord(Model):
    """`_reelmill/verifications/<uid>.json`, or a local file."""

    store: str
    """URI of the store."""
    began: str = ""
    """Identifies the verification: the time at which it began, RFC 3339. Empty: a user started it."""
    whole: Mapping[str, Mapping[int, str]] = {}
    """Root of a data set -> number of a segment -> ranges of its parts, counted from 0."""
    objects: int = 0
    """Number of objects in these parts."""
