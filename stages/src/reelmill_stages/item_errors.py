"""Conversion of item errors to results."""

from reelmill.contract.errors import Exhausted, ItemError
from reelmill.contract.process.exhaustion import exhausted
from reelmill_stages.stage import Failed


def failed(error: ItemError) -> Failed:
    """Return the result for an input that raised this error.

    Raises Exhausted if the process ran out of memory, files or threads; the input is then retried in a new process.
    """
    if reason := exhausted(error):
        raise Exhausted(reason, str(error)) from error
    return Failed(error.reason, str(error))
