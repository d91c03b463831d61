"""Processes that end with their parent, even if it is killed by SIGKILL (on Linux; no effect elsewhere).

The child itself has to request the kernel's parent-death signal: a few lines of Python do this and then exec the
command. A hook between fork and exec would not be safe in a process with threads.
"""

import os
import sys

_PROGRAM = (
    "import ctypes,os,signal,sys\n"
    "ctypes.CDLL(None).prctl(1,signal.SIGTERM)\n"
    "os.getppid()==int(sys.argv[1]) or sys.exit(75)\n"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


def command_ending_with_parent(command: list[str]) -> list[str]:
    """Wrap a command so that it ends with the calling process. Its first element must be a path."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, str(os.getpid()), *command]
