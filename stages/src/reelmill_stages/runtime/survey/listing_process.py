"""Listing of sources in a separate process, which is ended if a listing makes no progress.

Used by commands: `supervision.supervise`, which steps use, needs a process without threads and connections.
"""

import logging
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any, Protocol

from reelmill.contract.errors import Exhausted, ReelmillError, TransientError
from reelmill.contract.process.exhaustion import exhausted
from reelmill.processes.forked import ChildProcess
from reelmill_stages.runtime.supervision import PATIENCE_SECONDS, no_progress
from reelmill_stages.runtime.workers import safe_child

_MARKS = 10
"""Maximum number of progress marks that are sent within the time allowed without progress."""
_END_SECONDS = 5.0


class ListingProgress(Protocol):
    """Receives the progress of listings."""

    def start(self, what: str) -> None:
        """Called when a listing begins."""

    def mark(self) -> None:
        """Called on progress."""

    def stop(self) -> None:
        """Called when the listing has ended."""


def list_in_separate_process(
    target: str, *arguments: object, env: Mapping[str, str], patience: float = PATIENCE_SECONDS
) -> Any:  # the result of the function
    """Call the function `module:name` with arguments and a `ListingProgress` in a separate process.

    All are pickled. `patience` is in seconds. Raises the ReelmillErrors of the function, and TransientError for a
    listing that makes no progress or a process that is killed.
    """
    here, process = safe_child.start(__name__, env)
    try:
        here.send((target, arguments, patience / _MARKS))
        watched = ""
        while True:
            if not here.poll(patience if watched else None):
                raise no_progress(watched, patience)
            word, value = here.recv()
            if word == "answer":
                return value
            if word == "error":
                raise value
            watched = value
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        raise _early_end_error(process.wait(), watched) from error
    finally:
        here.close()
        _kill(process)
        del process  # closes its socket, even while the traceback of an error holds this frame


def _early_end_error(code: int, watched: str) -> TransientError:
    killed = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    return TransientError(
        f"the process that lists the sources ended {killed}",
        where=watched,
        hint="if the system killed it, check whether there is enough memory, then run the command again",
    )


def _kill(process: ChildProcess) -> None:
    """Kill the process. If it is blocked on a disk that does not respond, it ends when the disk does."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


class _ReportedProgress:
    """Sends progress to the parent."""

    def __init__(self, connection: Connection, every: float) -> None:
        self._connection, self._every = connection, every
        self._watched, self._next = "", 0.0

    def start(self, what: str) -> None:
        self._watched = what
        self._report()

    def mark(self) -> None:
        if monotonic() >= self._next:
            self._report()

    def stop(self) -> None:
        self._watched = ""
        self._report()

    def _report(self) -> None:
        self._connection.send(("watched", self._watched))
        self._next = monotonic() + self._every


def serve(connection: Connection) -> None:
    """Execute the request of the parent."""
    target, arguments, every = connection.recv()
    module, _, name = target.partition(":")
    work: Callable[..., Any] = getattr(import_module(module), name)
    try:
        answer = "answer", work(*arguments, _ReportedProgress(connection, every))
    except Exception as error:
        answer = "error", _picklable(error)
    connection.send(answer)


def _picklable(error: Exception) -> Exception:
    """The error in a form that can be pickled."""
    if isinstance(error, ReelmillError):
        return error
    if reason := exhausted(error):
        return Exhausted(reason, f"listing ran out of a resource: {error or type(error).__name__}", hint=reason.remedy)
    logging.getLogger(__name__).error("internal error while sources were listed", exc_info=error)
    return RuntimeError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    safe_child.serve_parent(serve)
