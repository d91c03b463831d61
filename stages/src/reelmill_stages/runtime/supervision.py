"""A step in a child process of its own, which the parent ends if it makes no progress.

A signal only interrupts Python code: a loop in C, such as that of a regular expression, holds the interpreter, and no
thread of the same process can run beside it. The parent can still kill it and say why.
"""

import mmap
import os
import select
import signal
import struct
from time import monotonic

from reelmill.contract.errors import TransientError
from reelmill.processes.prctl import die_with

PATIENCE_SECONDS = 1800.0
"""Seconds without a row, an object or an answer after which a listing ends."""
_GRACE = 0.25
"""Fraction of that time for which the parent waits longer than the child itself."""
_LOOK = 1.0
"""Seconds between two looks at the clock."""
_FORM = struct.Struct("d255p")


class ProgressClock:
    """When there was progress at last, in memory that parent and child share. It runs only while work is watched."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.patience = patience
        """Seconds that may pass without progress."""
        self._memory = mmap.mmap(-1, _FORM.size)
        self._runs = False

    def start(self, what: str) -> None:
        """Watch from now on. `what` is named in the error."""
        name = what.encode()[:200].decode(errors="ignore").encode()
        _FORM.pack_into(self._memory, 0, monotonic(), name)
        self._runs = True

    def stop(self) -> None:
        """Do not watch any longer."""
        self._runs = False
        _FORM.pack_into(self._memory, 0, 0.0, b"")

    def mark(self) -> None:
        """There was progress."""
        if self._runs:
            struct.pack_into("d", self._memory, 0, monotonic())

    @property
    def silence(self) -> float:
        """Seconds since the last progress; 0 if nothing is watched."""
        (last,) = struct.unpack_from("d", self._memory)
        return monotonic() - last if last else 0.0

    def error(self) -> TransientError:
        """What to say about work that makes no progress."""
        _, name = _FORM.unpack_from(self._memory)
        return no_progress(name.decode(), self.patience)


def no_progress(source: str, patience: float) -> TransientError:
    """What to say about a source whose listing makes no progress for `patience` seconds."""
    return TransientError(
        f"listing this source made no progress for {patience:g} s",
        where=source,
        hint="check the disk or mount of the source, and its adapter if it is your own; then run again",
    )


def supervise(clock: ProgressClock) -> int | None:
    """Fork: None in the child, which goes on; in the parent the exit code of the child, when it has ended.

    Call it before this process has threads or open connections. The child gets the signals that the parent is sent to
    end it, and ends with the parent. Raises TransientError in the parent if the child makes no progress and is killed.
    """
    parent = os.getpid()
    ended, alive = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        os.set_inheritable(alive, False)  # it is closed when the child ends
        die_with(parent, signal.SIGKILL)
        return None
    os.close(alive)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    if _waited(clock, ended):
        return _end_alike(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise clock.error()


def _waited(clock: ProgressClock, ended: int) -> bool:
    """Wait until the child ends, or until it has made no progress for too long: then False."""
    waiting = select.poll()
    waiting.register(ended)
    while not waiting.poll(min(_LOOK, clock.patience) * 1000):
        if clock.silence > clock.patience * (1 + _GRACE):
            return False
    os.close(ended)
    return True


def _end_alike(code: int) -> int:
    """The exit code of the child; where a signal killed it, this process ends by that signal too, if it can."""
    if code >= 0:
        return code
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # signals do not end the first process of a container
