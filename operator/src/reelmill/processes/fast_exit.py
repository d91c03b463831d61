"""Exit of a process without tearing down imported modules, which can take longer than a command."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

_abandons_threads = threading.Event()


def abandon_threads() -> None:
    """Let `fast_exit` end this process while threads run. They must not write anything that has to be complete."""
    _abandons_threads.set()


def fast_exit(code: int) -> NoReturn:
    """End this process like `sys.exit`, after the functions of `atexit` and, unless abandoned, non-daemon threads."""
    shutdown: Any = getattr(threading, "_shutdown", None)
    with suppress(Exception):
        if shutdown and not _abandons_threads.is_set():
            shutdown()
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)
