"""A Python process beside this one, that talks over one connection and ends with the process that started it."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from reelmill.contract.process import import_path

_PR_SET_PDEATHSIG = 1


def start(module: str, environment: Mapping[str, str]) -> tuple[Connection, "subprocess.Popen[bytes]"]:
    """Run `module` in a session of its own, so that a kill can take along what it starts; our end of its connection.

    The module ends with `serve_parent(…)`.
    """
    ours, theirs = multiprocessing.Pipe(duplex=True)
    with theirs:
        process = subprocess.Popen(
            import_path.command(module, str(theirs.fileno()), str(os.getpid())),
            stdin=subprocess.DEVNULL,
            env=import_path.environment(environment),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours, process


def serve_parent(serve: Callable[[Connection], None]) -> None:
    """The main program of a module that `start` runs: call `serve` with the connection to the parent."""
    descriptor, parent = map(int, sys.argv[1:3])
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    try:
        serve(Connection(descriptor))
    except (EOFError, BrokenPipeError):  # the parent is gone: nobody waits for an answer
        sys.exit(1)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
