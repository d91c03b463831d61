"""Detection of a full disk, which stops the step without failing items."""

import errno

from reelmill.contract.errors import DiskFull

_FULL = {errno.ENOSPC, errno.EDQUOT}


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error was caused by a full disk."""
    while error is not None:
        if isinstance(error, DiskFull):
            return True
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
