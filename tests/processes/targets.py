"""What forked processes do in the tests beside this file: they answer on their standard error."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def facts(*arguments: object) -> None:
    """Tell what a process is like."""
    sys.stderr.write(
        json.dumps(
            {
                "arguments": arguments,
                "pid": os.getpid(),
                "session": os.getsid(0),
                "stdin": sys.stdin.read(),
                "stdout": str(Path("/proc/self/fd/1").readlink()),
                "environment": dict(os.environ),
                "descriptors": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()),
                "threads": threading.active_count(),
                "random": random.random(),
                "temporary": tempfile.gettempdir(),
                "hour": time.localtime(0).tm_hour,
                "sigchld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
                "path": sys.path,
            }
        )
    )


def imported(*modules: str) -> None:
    """Tell which of these modules a process has."""
    sys.stderr.write(json.dumps([module for module in modules if module in sys.modules]))


def leave(code: str) -> None:
    """End with a code; `text` ends as `sys.exit("text")` does."""
    threading.Timer(0.1, lambda: sys.stderr.write("a thread ended\n")).start()
    sys.exit(int(code) if code.lstrip("-").isdecimal() else code)


def fail() -> None:
    raise LookupError("on purpose")


def sleep(pid_file: str) -> None:
    """Sleep with a child in the same session; the ids of both are written to the file."""
    with subprocess.Popen(["sleep", "600"]) as child:
        write(pid_file, f"{os.getpid()} {child.pid}")
        child.wait()


def deaf(pid_file: str) -> None:
    """Sleep, and hear no SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep(pid_file)


def write(file: str, text: str) -> None:
    Path(f"{file}.new").write_text(text)
    Path(f"{file}.new").rename(file)
