"""A step in a separate child process, which the parent ends if it makes no progress.

A signal only interrupts Python code: a loop in C, such as that of a regular expression, holds the interpreter, and no
other thread of the process can run. The parent can still kill it and report the reason.
"""

import mmap
import os
import select
import signal
import struct
from collections.abc import Callable
from time import monotonic

from reelmill.contract.errors import TransientError
from reelmill.processes.prctl import die_with

PATIENCE_SECONDS = 1800.0
"""Seconds without a row, an object or an answer after which a listing is ended."""
_GRACE = 0.25
"""Additional time that the parent waits, as a fraction of that time."""
_LOOK = 1.0
"""Seconds between two checks of the clock."""
_FORM = struct.Struct("d255p")


class ProgressClock:
    """The time of the last progress, in memory shared by parent and child. It runs only while work is watched."""

    def __init__(self, patience: float = PATIENCE_SECONDS, *, now: Callable[[], float] = monotonic) -> None:
        """`now` is the time in seconds on a clock that parent and child share."""
        self.patience = patience
        """Maximum time without progress, in seconds."""
        self._now = now
        self._memory = mmap.mmap(-1, _FORM.size)
        self._runs = False

    def start(self, what: str) -> None:
        """Start watching. `what` is named in the error."""
        name = what.encode()[:200].decode(errors="ignore").encode()
        _FORM.pack_into(self._memory, 0, self._now(), name)
        self._runs = True

    def stop(self) -> None:
        """Stop watching."""
        self._runs = False
        _FORM.pack_into(self._memory, 0, 0.0, b"")

    def mark(self) -> None:
        """Record progress."""
        if self._runs:
            struct.pack_into("d", self._memory, 0, self._now())

    @property
    def silence(self) -> float:
        """Seconds since the last progress; 0 if nothing is watched."""
        now = self._now()  # before the last progress is read: what is marked meanwhile is no silence
        (last,) = struct.unpack_from("d", self._memory)
        return now - last if last else 0.0

    def error(self) -> TransientError:
        """The error for work that makes no progress."""
        _, name = _FORM.unpack_from(self._memory)
        return no_progress(name.decode(), self.patience)


def no_progress(source: str, patience: float) -> TransientError:
    """The error for a source whose listing makes no progress for `patience` seconds."""
    return TransientError(
        f"listing this source made no progress for {patience:g} s",
        where=source,
        hint="check the disk or mount of the source, and its adapter if it is your own; then run again",
    )


def supervise(clock: ProgressClock) -> int | None:
    """Fork. Returns None in the child; in the parent, the exit code of the child when it has ended.

    Must be called before this process has threads or open connections. The parent forwards signals to end it to the
    child, and the child ends with the parent. Raises TransientError in the parent if the child makes no progress and is
    killed.
    """
    parent = os.getpid()
    ended, alive = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        os.set_inheritable(alive, False)  # closed when the child ends
        die_with(parent, signal.SIGKILL)
        return None
    os.close(alive)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    if _wait_for_child(clock, ended):
        return _end_like_child(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise clock.error()


def _wait_for_child(clock: ProgressClock, ended: int) -> bool:
    """Wait until the child ends. Returns False if it has made no progress for too long."""
    waiting = select.poll()
    waiting.register(ended)
    while not waiting.poll(min(_LOOK, clock.patience) * 1000):
        if clock.silence > clock.patience * (1 + _GRACE):
            return False
    os.close(ended)
    return True


def _end_like_child(code: int) -> int:
    """The exit code of the child. If a signal killed it, this process kills itself with that signal, if possible."""
    if code >= 0:
        return code
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # signals do not end the first process of a container
