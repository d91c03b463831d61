"""The main program of a forked process: reset inherited state, call the function, and exit."""

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from importlib import import_module

from reelmill.processes.fast_exit import fast_exit
from reelmill.processes.prctl import die_with, set_name


class ForkedMain:
    """The main program of a forked process. Calling it does not return.

    The process leads a new session, ends with the template, and has /dev/null as standard input and output, like the
    template. Environment, random numbers and signals are those of a new process. Unlike in a new process, the string
    hashes are the template's: `PYTHONHASHSEED` has no effect.
    """

    def __init__(self, template: int, number: int, control: socket.socket, stderr: int, *descriptors: int) -> None:
        """`template` is the parent's PID; this process gets the signal `number` when the parent ends."""
        self._template = template
        self._signal = number
        self._control = control
        self._stderr = stderr
        self._descriptors = descriptors

    def __call__(self) -> None:
        code = 1
        try:
            os.setsid()
            die_with(self._template, self._signal)
            os.dup2(self._stderr, 2)
            os.close(self._stderr)
            code = self._run()
        except BaseException:
            traceback.print_exc()
        finally:
            fast_exit(code)

    def _run(self) -> int:
        with self._control:
            order = json.loads(b"".join(iter(lambda: self._control.recv(1 << 16), b"")))
        os.environ.clear()
        os.environ.update(order["environment"])
        set_name(order["name"])
        _reset_process_state()
        module, _, name = order["target"].partition(":")
        try:
            getattr(import_module(module), name)(*order["arguments"], *self._descriptors)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        return 0


def _reset_process_state() -> None:
    """Reset state that depends on the environment, or that must differ between processes."""
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.tzset()
    tempfile.tempdir = None
    if numpy_random := sys.modules.get("numpy.random"):  # Python's generator is reseeded by a fork
        numpy_random.seed()
