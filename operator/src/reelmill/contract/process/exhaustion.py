"""Detection of errors that mean the process ran out of memory, open files or threads.

Such an error is first attributed to the item being processed, because a file can require any amount of each. It is
attributed to the machine only if a process without an item fails as well.
"""

import errno
from collections.abc import Mapping

from reelmill.contract.errors import Exhausted
from reelmill.contract.reasons import ItemReason, item_reason

_REASONS = {
    errno.ENOMEM: ItemReason.OUT_OF_MEMORY,
    errno.EMFILE: ItemReason.TOO_MANY_FILES,
    errno.ENFILE: ItemReason.TOO_MANY_FILES,
    errno.EAGAIN: ItemReason.TOO_MANY_THREADS,
}
"""Error numbers. fork(2) and pthread_create(3) return EAGAIN at a limit."""

_RUNTIME_ERRORS = {
    "can't start new thread": ItemReason.TOO_MANY_THREADS,
    "CUDA out of memory": ItemReason.OUT_OF_MEMORY,
    "can't allocate memory": ItemReason.OUT_OF_MEMORY,
}
"""Parts of RuntimeError messages: CPython's, and those of two PyTorch allocators."""

_MESSAGES = {
    "Cannot allocate memory": ItemReason.OUT_OF_MEMORY,
    "Too many open files": ItemReason.TOO_MANY_FILES,
}
"""Texts of strerror(3) in messages of other programs."""


def exhausted(error: BaseException | None) -> ItemReason | None:
    """The resource that ran out, according to an error or one of its causes, or None."""
    while error is not None:
        if reason := _reason(error):
            return reason
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def exhausted_resource(messages: str) -> ItemReason | None:
    """The resource that ran out, according to messages of another program, or None."""
    return _reason_in(_MESSAGES, messages)


def _reason_in(reasons: Mapping[str, ItemReason], text: str) -> ItemReason | None:
    return next((reason for part, reason in reasons.items() if part in text), None)


def _reason(error: BaseException) -> ItemReason | None:
    if isinstance(error, Exhausted):
        return item_reason(error.reason)
    if isinstance(error, MemoryError):
        return ItemReason.OUT_OF_MEMORY
    if isinstance(error, RuntimeError):
        return _reason_in(_RUNTIME_ERRORS, str(error))
    code = getattr(error, "errno", None)  # an OSError, or an error of FFmpeg
    if code == errno.EAGAIN and type(error) is not BlockingIOError:
        return None  # FFmpeg's EAGAIN has a separate class and means "no frame yet"
    return _REASONS.get(code) if isinstance(code, int) else None
