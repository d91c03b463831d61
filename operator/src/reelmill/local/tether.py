"""A process that ends when the one that started it is gone, even by SIGKILL (Linux; elsewhere it is started as it is).

The kernel's parent-death signal has to be asked for by the child itself: a few lines of Python do so and then become
the command. A hook between fork and exec would not be safe in a process with threads.
"""

import os
import sys

_TETHER = (
    "import ctypes,os,signal,sys\n"
    "ctypes.CDLL(None).prctl(1,signal.SIGTERM)\n"
    "os.getppid()==int(sys.argv[1]) or sys.exit(75)\n"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


def tethered(command: list[str]) -> list[str]:
    """The command, tied to the calling process. Its first word must be a path."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command]
