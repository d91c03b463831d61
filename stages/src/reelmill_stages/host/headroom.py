"""Whether this process has room to work: some memory, open files and a thread."""

import mmap
import os
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

MEMORY = 32 << 20
"""Bytes that are taken, and given back."""
FILES = 16
"""Files that are opened at once, and closed."""


def try_out() -> None:
    """Take and give back what any item needs.

    A worker calls this before its first item, so what fails here is the fault of the machine and not of an item.
    Raises MemoryError, OSError, or RuntimeError ("can't start new thread").
    """
    _touch(MEMORY)
    with ExitStack() as opened:
        for _ in range(FILES):
            opened.enter_context(Path(os.devnull).open("rb"))
    thread = threading.Thread(target=bool)
    thread.start()
    thread.join()


def _touch(size: int) -> None:
    """Take so much memory and give it back: in huge pages where there are any, which takes a tenth of the time."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # the kernel has none
                memory.madvise(mmap.MADV_HUGEPAGE)
        memory[:: mmap.PAGESIZE] = bytes(size // mmap.PAGESIZE)
