"""A worker process as the shard's process sees it: start it, give it work, notice its end, kill it and its children."""

import logging
import os
import signal
import subprocess
import time
from contextlib import suppress

from reelmill_stages.host.resident import resident
from reelmill_stages.runtime.workers import safe_child
from reelmill_stages.runtime.workers.messages import Job, Message, WorkerConfig

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

log = logging.getLogger(__name__)


class WorkerProcess:
    """One worker, in a session of its own so that a kill takes its ffmpeg along."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.connection, self._process = safe_child.start(
            "reelmill_stages.runtime.workers.worker_main", {**os.environ, **dict.fromkeys(_THREADS, "1")}
        )
        self.connection.send(config)
        self.ready = False
        self.since = time.monotonic()
        """When the present phase began: start, job or upload."""
        self.uploading = False

    def give(self, job: Job) -> None:
        """Hand over a job; the worker must be idle. Raises OSError when it is gone."""
        self.since = time.monotonic()
        self.uploading = False
        self.connection.send(job)

    def receive(self) -> Message:
        """The next message. Raises EOFError when the process ended."""
        try:
            message: Message = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        return message

    def rss(self) -> int:
        """Resident bytes; 0 when unknown."""
        return resident(self._process.pid)

    def finish(self) -> None:
        """Ask an idle worker to end."""
        with suppress(OSError):
            self.connection.send(None)

    def kill(self) -> str:
        """SIGKILL to the worker's whole process group; says how it had ended before, or that it was killed."""
        ended = self._process.poll()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.connection.close()
        with suppress(subprocess.TimeoutExpired):  # a process that waits for a dead mount cannot be waited for
            self._process.wait(timeout=10)
        if ended is None:
            return "killed"
        return f"ended with exit code {ended}" if ended >= 0 else f"ended by {_signal_name(-ended)}"

    def ended(self) -> str:
        """How the process ended, waited for a moment: its connection closes a little before it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return self.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
