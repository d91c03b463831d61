"""Process attributes that only Linux supports, set by prctl(2); these functions have no effect elsewhere."""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def die_with(parent: int, number: int) -> None:
    """Let the kernel send this process a signal when its parent ends, even by SIGKILL; exit if it has ended already.

    The parent is the thread that started this process (prctl(2), PR_SET_PDEATHSIG).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def set_name(name: str) -> None:
    """Set the name of this process in `top` and /proc/PID/comm, at most 15 bytes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])
