"""Limits of one input: some seconds of CPU time, and a fixed amount of memory. Exceeding them is a finding."""

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from host import max_rss, peak_memory

SECONDS = 4.0
"""The slowest inputs of the corpus take 0.2 s, and several times as long under the fuzzer or on a slow machine."""
RESIDENT = 512.0
"""MiB of the whole process, including libraries and corpus."""
ADDRESSES = 8 << 30
"""Bytes of address space: an allocation beyond it fails at once and does not affect the machine."""


class TooSlow(BaseException):
    """An input took more than `SECONDS` of CPU time. No parser catches it."""


class TooLarge(BaseException):
    """The process needed more memory than an input may use."""


@contextmanager
def timed(seconds: float = SECONDS) -> Iterator[None]:
    """Raises TooSlow in or after the block. It counts CPU time, because other processes may delay this one."""
    before = time.process_time()
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if (took := time.process_time() - before) > seconds:
        raise TooSlow(f"it took {took:.1f} s of CPU time")


def check_memory(beside: float = 0.0) -> None:
    """Raises TooLarge if the process ever exceeded its limit, plus `beside` MiB for a large library."""
    # The system call is a hundred times as fast, and its value is never lower: it may be that of the parent process.
    if max_rss(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20 <= RESIDENT + beside:
        return
    held = peak_memory()
    if held > RESIDENT + beside:
        raise TooLarge(f"it held {held:.0f} MiB of memory")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow("it takes too much CPU time")
