"""The client of the template process, which starts it, requests processes from it, and waits for them."""

import errno
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from reelmill.contract.process import import_path
from reelmill.processes.protocol import ERROR, REPLY

REPLY_SECONDS = 120.0
"""Time limit in seconds for a fork; the template may be importing a large module."""
CPU_SECONDS = 5.0
"""Time limit in seconds for the report of the CPU time of an ended process."""
LIBRARY_THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""Environment variables that prevent array libraries from starting threads."""


class CannotFork(OSError):
    """The template has ended, does not answer, or has threads. A process can still be spawned."""


class ChildProcess(Protocol):
    """Common interface of `subprocess.Popen` and `ForkedProcess`."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """The exit code, or None while the process runs. A negative one is the number of the signal that killed it."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""
        ...


class ForkedProcess:
    """A process forked by the template. It is killed when this object is deleted or this process ends."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control
        self._code: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """See `ChildProcess.poll`. If the template has ended, and with it the forked process, the code is -SIGKILL."""
        with self._lock:
            if self._code is None:
                try:
                    self._code = _reply(self._control, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return None
                except OSError:
                    self._code = -signal.SIGKILL
                else:
                    _note_cpu(self._control)
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """See `ChildProcess.wait`."""
        waiting = select.poll()
        waiting.register(self._control, select.POLLIN)
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not waiting.poll(None if left is None else left * 1000) and left is not None:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        """See `ChildProcess.send_signal`."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the template has not reported it yet
                os.kill(self.pid, sig)

    def __del__(self) -> None:
        self._control.close()


class ProcessTemplate:
    """The template process, for the process that started it and those that it is lent to."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests

    def fileno(self) -> int:
        return self._requests.fileno()

    def preload(self, modules: Sequence[str], *, later: bool = False) -> None:
        """Let the template import modules while there are no requests for processes.

        `later`: only when a process is requested that does not declare what it needs.
        """
        with suppress(ConnectionError):  # it has ended, as `start` will notice
            self._requests.send(json.dumps({"later" if later else "preload": list(modules)}).encode())

    def start(
        self,
        target: str,
        *arguments: str,
        environment: Mapping[str, str],
        stderr: int,
        descriptors: Sequence[int] = (),
        number: int = signal.SIGKILL,
        name: str = "reelmill",
        needs: Sequence[str] | None = None,
    ) -> ForkedProcess:
        """Fork a process that calls the function `module:name` with `arguments` and its own copies of `descriptors`.

        The template first imports the modules that it `needs`; None: all modules of earlier `preload` calls. The
        process gets the signal `number` when this process ends, and its name in `top` is `name`. Raises CannotFork, or
        the OSError of fork(2).
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                order = {"signal": int(number)} | ({} if needs is None else {"needs": list(needs)})
                socket.send_fds(self._requests, [json.dumps(order).encode()], [theirs.fileno(), stderr, *descriptors])
            ours.settimeout(REPLY_SECONDS)
            main = {"name": name, "target": target, "arguments": arguments, "environment": dict(environment)}
            ours.sendall(json.dumps(main).encode())
            ours.shutdown(socket.SHUT_WR)
            pid = _reply(ours)
            ours.settimeout(None)
        except (ConnectionError, TimeoutError) as error:
            ours.close()
            raise CannotFork(*error.args) from error
        except BaseException:
            ours.close()
            raise
        return ForkedProcess(pid, ours)

    def close(self) -> None:
        """Close the connection to the template."""
        self._requests.close()


_lent: ProcessTemplate | None = None
_lent_for_reports: ProcessTemplate | None = None


def lend(template: ProcessTemplate | None, *, reports: ProcessTemplate | None = None) -> None:
    """Make this process start processes from a template, and the one that draws a report from another.

    None: stop using templates.
    """
    global _lent, _lent_for_reports
    _lent, _lent_for_reports = template, reports


def template_in_use() -> ProcessTemplate | None:
    """The template from which this process starts others; None: it spawns them."""
    return _lent


def lent_for_reports() -> ProcessTemplate | None:
    """The template that has imported the code for reports; None: this process draws the report."""
    return _lent_for_reports


class OwnedTemplate(ProcessTemplate):
    """A template process as a context manager. On exit, it ends with all its processes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours)
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        with theirs:
            self._process = subprocess.Popen(
                import_path.command("reelmill.processes.template", str(theirs.fileno())),
                env=import_path.environment({**environment, **LIBRARY_THREADS}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def last_words(self) -> str:
        """The last line that the template wrote to its standard error; empty without one."""
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        super().close()
        self._process.kill()
        self._process.wait()
        self._words.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def forked_cpu_seconds() -> float:
    """CPU seconds of ended processes forked for this one, like RUSAGE_CHILDREN for spawned ones."""
    return _cpu.seconds


class _Cpu:
    """A sum to which several threads add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds


_cpu = _Cpu()


def _note_cpu(control: socket.socket) -> None:
    """Add the CPU time of an ended process, which the template sends as soon as it has waited for it."""
    control.settimeout(CPU_SECONDS)
    with suppress(OSError):
        _cpu.add(_reply(control) / 1000)


def _reply(control: socket.socket, flags: int = 0) -> int:
    """The value of the next reply. Raises OSError for an error that the template reports, or if it has ended."""
    data = control.recv(REPLY.size, flags)
    if len(data) < REPLY.size:
        raise ConnectionResetError("the template process has ended")
    kind, value = REPLY.unpack(data)
    if kind == ERROR:
        raise (CannotFork if value == errno.ENOTSUP else OSError)(value, os.strerror(value))
    return int(value)
