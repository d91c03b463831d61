"""The template process imports code once, then forks a process per request: `python -P -m reelmill.processes.template`.

It has one thread and no open files except its sockets, so a fork of it is equivalent to a new interpreter. It ends when
no process can send requests anymore and all its processes have ended. `protocol` describes the requests.
"""

import errno
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from reelmill.processes.forked_main import ForkedMain
from reelmill.processes.protocol import BYTES, CPU, DESCRIPTORS, ERROR, MOST, PID, REPLY, STATUS

assert sys.platform == "linux", "processes are forked on Linux only (see start_method)"

_TASKS = Path("/proc/self/task")


@dataclass(slots=True)
class ForkedChild:
    """A forked process that was not waited for yet."""

    pid: int
    control: socket.socket
    signal: int
    """Signal that it gets when its client has ended."""


class TemplateServer:
    """The loop of the template."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._open = True
        self._pending: dict[str, None] = {}
        """Modules to import, in order."""
        self._later: dict[str, None] = {}
        """Modules to import when a process needs all."""
        self._children: dict[int, ForkedChild] = {}
        """Processes by the descriptor of their control socket."""
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._wake_read, select.POLLIN)
        self._poll.register(requests, select.POLLIN)

    def serve(self) -> Callable[[], None] | None:
        """Serve until no process can send requests. Also returns in each forked process, with the function to run."""
        while self._open or self._children:
            events = self._poll.poll(0 if self._pending else None)
            if not events and self._pending:
                self._import(next(iter(self._pending)))
            for descriptor, _ in events:
                if descriptor == self._wake_read:
                    self._reap()
                elif descriptor in self._children:
                    self._end_of_client(self._children[descriptor])
                elif descriptor == self._requests.fileno() and (main := self._receive_request()):
                    return main
        return None

    def _receive_request(self) -> Callable[[], None] | None:
        data, descriptors, _, _ = socket.recv_fds(self._requests, BYTES, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        if not data:
            self._open = False
            self._pending.clear()
            self._poll.unregister(self._requests)
            return None
        request: Mapping[str, object] = json.loads(data)
        match request:
            case {"preload": [*modules]}:
                self._pending.update(dict.fromkeys(map(str, modules)))
            case {"later": [*modules]}:
                self._later.update(dict.fromkeys(map(str, modules)))
            case {"signal": int(number), **more}:
                needs = more.get("needs")
                for module in needs if isinstance(needs, list) else [*self._pending, *self._later]:
                    self._import(str(module))
                return self._fork(number, descriptors)
        return None

    def _import(self, module: str) -> None:
        self._pending.pop(module, None)
        self._later.pop(module, None)
        # If an import fails here, the process that needs the module imports it again and reports the error.
        with suppress(Exception):
            import_module(module)

    def _fork(self, number: int, descriptors: list[int]) -> Callable[[], None] | None:
        control = socket.socket(fileno=descriptors.pop(0))
        template, pid = os.getpid(), -1
        try:
            if _number_of_threads() != 1:  # a lock held by another thread would stay locked in the fork
                raise OSError(errno.ENOTSUP, "a library that was imported has started a thread")
            gc.freeze()
            pid = os.fork()
        except OSError as error:
            _send_reply(control, ERROR, error.errno or errno.EIO)
        if pid == 0:
            self._close_in_child()
            return ForkedMain(template, number, control, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if pid < 0:
            control.close()
            return None
        self._children[control.fileno()] = ForkedChild(pid, control, number)
        self._poll.register(control, 0)  # poll(2) then reports only that the other end was closed
        _send_reply(control, PID, pid)
        return None

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_read, BYTES)
        for child in list(self._children.values()):
            ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                continue
            # Until it is waited for, its ID and that of its process group are not reused.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            _send_reply(child.control, STATUS, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)
            _, _, used = os.wait4(child.pid, 0)
            _send_reply(child.control, CPU, min(round((used.ru_utime + used.ru_stime) * 1000), MOST))
            with suppress(KeyError):
                self._poll.unregister(child.control)
            del self._children[child.control.fileno()]
            child.control.close()

    def _end_of_client(self, child: ForkedChild) -> None:
        self._poll.unregister(child.control)
        with suppress(ProcessLookupError, PermissionError):
            if child.signal == signal.SIGKILL:
                os.killpg(child.pid, child.signal)
            else:
                os.kill(child.pid, child.signal)

    def _close_in_child(self) -> None:
        """Close the template's files and sockets in a forked process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for child in self._children.values():
            child.control.close()
        self._requests.close()
        os.close(self._wake_read)
        os.close(self._wake_write)


def _number_of_threads() -> int:
    """Number of threads of this process, including those of libraries; 0 if the system does not report it."""
    try:
        return len(list(_TASKS.iterdir()))
    except OSError:
        return 0


def _send_reply(control: socket.socket, kind: int, value: int) -> None:
    with suppress(OSError):  # the client has ended
        control.send(REPLY.pack(kind, value), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def serve(descriptor: int) -> None:
    """The main program of a template, with the socket for requests, and of each process forked from it."""
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as requests:
        requests.set_inheritable(False)
        forked = TemplateServer(requests).serve()
    if forked:
        forked()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
