"""Handle of a worker process in the main process: start it, give it jobs, detect its end, kill it with its children."""

import logging
import os
import signal
import subprocess
import time
from contextlib import suppress

from reelmill.contract.reasons import ItemReason
from reelmill.processes.forked import LIBRARY_THREADS
from reelmill_stages.host.resident import resident
from reelmill_stages.runtime.workers import safe_child
from reelmill_stages.runtime.workers.messages import Job, Message, WorkerConfig

log = logging.getLogger(__name__)


class WorkerProcess:
    """A worker process, in a separate session so that its children, such as ffmpeg, are killed with it."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.connection, self._process = safe_child.start(
            "reelmill_stages.runtime.workers.worker_main", {**os.environ, **LIBRARY_THREADS}
        )
        self.connection.send(config)
        self.ready = False
        self.since = time.monotonic()
        """Start of the current phase (start, job or upload), in monotonic seconds."""
        self.uploading = False

    def give(self, job: Job) -> None:
        """Send a job to an idle worker. Raises OSError if the process has ended."""
        self.since = time.monotonic()
        self.uploading = False
        self.connection.send(job)

    def receive(self) -> Message:
        """The next message. Raises EOFError if the process has ended."""
        try:
            message: Message = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        return message

    @property
    def pid(self) -> int:
        return self._process.pid

    def rss(self) -> int:
        """Resident memory in bytes; 0 if unknown."""
        return resident(self._process.pid)

    def finish(self) -> None:
        """Request an idle worker to end."""
        with suppress(OSError):
            self.connection.send(None)

    def kill(self) -> str:
        """Send SIGKILL to the process group; returns how the process had ended, or that it was killed."""
        ended = self._process.poll()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.connection.close()
        with suppress(subprocess.TimeoutExpired):  # a process blocked in uninterruptible I/O does not end
            self._process.wait(timeout=10)
        if ended is None:
            return "killed"
        return f"ended with exit code {ended}" if ended >= 0 else f"ended by {_signal_name(-ended)}"

    def ended(self) -> tuple[str, ItemReason]:
        """How the process ended, and the resulting reason for its item.

        Waits briefly, because its connection closes before it ends. A SIGKILL from elsewhere is attributed to the
        kernel when memory is short.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        killed = self._process.poll() == -signal.SIGKILL
        return self.kill(), ItemReason.OUT_OF_MEMORY if killed else ItemReason.CRASH


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
