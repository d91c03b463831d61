"""From an error of one item to its result."""

from reelmill.contract.errors import Exhausted, ItemError
from reelmill.contract.process.exhaustion import exhausted
from reelmill_stages.stage import Failed


def failed(error: ItemError) -> Failed:
    """The result for an input on which this error was raised.

    Raises Exhausted if the process ran out of memory, files or threads: the input is tried again in a new process.
    """
    if reason := exhausted(error):
        raise Exhausted(reason, str(error)) from error
    return Failed(error.reason, str(error))
