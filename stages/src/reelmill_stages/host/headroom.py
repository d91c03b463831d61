"""Check that this process can allocate some memory, open files and start a thread."""

import mmap
import os
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

MEMORY = 32 << 20
"""Bytes that the check allocates and frees."""
FILES = 16
"""Number of files that the check opens at once and closes."""


def check_headroom() -> None:
    """Allocate and release the resources that every item needs.

    A worker calls this before its first item, so that a shortage is blamed on the machine and not on an item.
    Raises MemoryError, OSError, or RuntimeError ("can't start new thread").
    """
    _touch_memory(MEMORY)
    with ExitStack() as opened:
        for _ in range(FILES):
            opened.enter_context(Path(os.devnull).open("rb"))
    thread = threading.Thread(target=bool)
    thread.start()
    thread.join()


def _touch_memory(size: int) -> None:
    """Touch and free `size` bytes of memory; huge pages, if available, take a tenth of the time."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # no huge pages
                memory.madvise(mmap.MADV_HUGEPAGE)
        memory[:: mmap.PAGESIZE] = bytes(size // mmap.PAGESIZE)
