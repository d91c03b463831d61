"""Progress of the preparation: one line that is updated on a terminal, or lines in a log."""

import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.status import Status

LOG_SECONDS = 30.0
"""Seconds between lines about work in progress, in a log."""


class Progress:
    """Thread-safe. Use it as a context manager."""

    def __init__(self, total: int, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._console, self._clock = total, console, clock
        self._since: dict[str, float] = {}
        self._done = 0
        self._began = self._last_printed = clock()
        self._lock = threading.Lock()
        self._status: Status | None = Status("", console=console) if console.is_terminal else None

    def __enter__(self) -> "Progress":
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    @property
    def elapsed(self) -> str:
        """Time since the start: `3 min 12 s`."""
        return duration(self._clock() - self._began)

    def begin(self, name: str) -> None:
        """Note that making a tool starts."""
        with self._lock:
            self._since[name] = self._clock()
            self._print_line(f"[{self._done}/{self._total}] {name} …")

    def end(self, name: str, problem: str) -> None:
        """Note that a tool is finished or failed."""
        with self._lock:
            took = duration(self._clock() - self._since.pop(name))
            self._done += 1
            said = f"not available after {took}: {problem}" if problem else f"ready after {took}"
            self._print_line(f"[{self._done}/{self._total}] {name}: {said}")

    def skip(self, name: str, need: str) -> None:
        """Note that a tool is skipped because another one is missing."""
        with self._lock:
            self._done += 1
            self._print_line(f"[{self._done}/{self._total}] {name}: not available, as it needs {need}")

    def tick(self) -> None:
        """Show the progress: on a terminal with each call, in a log from time to time."""
        with self._lock:
            if self._status:
                self._status.update(escape(self.line()))
            elif self._clock() - self._last_printed >= LOG_SECONDS:
                self._print_line(self.line())

    def line(self) -> str:
        """`3/9 ready in 2 min 10 s; at work: kube-apiserver (1 min 20 s), torch (2 min 1 s)`."""
        now = self._clock()
        work = ", ".join(f"{name} ({duration(now - since)})" for name, since in sorted(self._since.items()))
        return f"[{self._done}/{self._total}] {self.elapsed} so far; at work: {work or 'nothing'}"

    def _print_line(self, line: str) -> None:
        self._last_printed = self._clock()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """`41 s`, `3 min 12 s`, `1 h 2 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
