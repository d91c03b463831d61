"""Reading of files in a separate process first, because a C library might crash or never return.

Libraries such as those of HDF5 and LMDB trust the numbers in a file: a damaged file can kill the process by a signal,
or block it forever. A file that a separate process has read to the end can be read in this process as well.
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reelmill.contract.process import import_path
from reelmill.processes.prctl import die_with
from reelmill_stages.untrusted.arrays import ArrayError, refusing
from reelmill_stages.untrusted.environment import reduced

SECONDS = 60.0
"""Time limit in seconds per file, plus the same for each GiB of it."""
ADDRESSES = 16 << 30
"""Bytes of address space of the process, in addition to the size of the file."""
_GIB = 1 << 30
_START = 120.0
"""Seconds in which the process must become ready to read."""


class SeparateProcess:
    """A process that calls the function `module:name` with paths, to check that it returns. A context manager.

    The function raises ValueError or OSError for a file that it cannot read. `imports` are modules that it needs; the
    time to import them does not count as reading.
    """

    def __init__(self, target: str, *, imports: Sequence[str] = (), seconds: float = SECONDS) -> None:
        self._target = target
        self._imports = imports
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> None:
        """Read a file in the process. Raises ArrayError if this fails or does not return."""
        process = self._process = self._process or self._start()
        assert process.stdin
        try:
            process.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
            process.stdin.flush()
            problem = self._received_problem(process, self._seconds * (1 + path.stat().st_size / _GIB))
        except BrokenPipeError:
            problem = None
        except TimeoutError:
            self._stop()
            raise ArrayError(f"the library that reads it does not finish: {path.name} is damaged") from None
        if problem is None:
            self._stop()
            raise ArrayError(f"the library that reads it crashes: {path.name} is damaged")
        if problem:
            raise ArrayError(problem)

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            import_path.command(__name__, self._target, str(os.getpid()), *self._imports),
            env=import_path.environment(reduced(os.environ, python=True)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ready = self._received_problem(process, _START) == ""
        except TimeoutError:
            ready = False
        if not ready:
            _kill(process)
            raise OSError("a process for reading files of unknown origin cannot be started")
        return process

    @staticmethod
    def _received_problem(process: "subprocess.Popen[bytes]", seconds: float) -> str | None:
        """Return the problem with the file, or an empty string; None if the process has ended. Raises TimeoutError."""
        assert process.stdout
        waiting = select.poll()
        waiting.register(process.stdout, select.POLLIN)
        data, end = b"", time.monotonic() + seconds
        while not data.endswith(b"\n"):
            if not waiting.poll(max(end - time.monotonic(), 0.0) * 1000):
                raise TimeoutError
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                return None
            data += more
        return str(json.loads(data))

    def _stop(self) -> None:
        if process := self._process:
            self._process = None
            _kill(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


def _problem_of_file(read: Callable[[Path], Any], path: Path) -> str:
    try:
        with refusing():
            read(path)
    except MemoryError:
        return "it needs too much memory"
    except (ArrayError, OSError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""


def main() -> None:
    """Run the process."""
    target, parent = sys.argv[1], int(sys.argv[2])
    die_with(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # output of libraries must not be mixed with answers
    module, _, name = target.partition(":")
    read: Callable[[Path], Any] = getattr(import_module(module), name)
    for needed in sys.argv[3:]:
        with suppress(ImportError):  # reading will report it
            import_module(needed)
    answers.write(b'""\n')
    for line in sys.stdin.buffer:
        path = Path(json.loads(line))
        with suppress(ValueError, OSError):  # the system has a lower limit, or none
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES + path.stat().st_size, resource.RLIM_INFINITY))
        answers.write(json.dumps(_problem_of_file(read, path)).encode() + b"\n")


if __name__ == "__main__":
    main()
