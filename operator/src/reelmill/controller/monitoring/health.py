"""Alive means that work gets done: no pass that never ends, no queue that nobody serves, watches that show signs.

An API server that does not answer is not our illness: a restart would not help, so it fails no probe.
"""

from collections.abc import Callable

from reelmill.controller.state.queue import WorkQueue

PASS_SECONDS = 600.0
"""A pass ends long before: its requests have limits."""
WAIT_SECONDS = 300.0
"""The longest that a ready key may wait while no pass is at work."""
WATCH_SECONDS = 1200.0
"""Watches begin anew at least this often."""


class Health:
    """Knows why the operator is not alive, if it is not. `clock` counts seconds, and is the queue's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._watching: float | None = None
        self.ready = False
        """Everything was listed once, or this replica only stands by."""

    def watch_sign(self) -> None:
        """A watch began, or brought something."""
        self._watching = self._clock()

    def illness(self, queue: WorkQueue) -> str:
        """Empty where all is well."""
        now = self._clock()
        for key, began in queue.in_flight.items():
            if now - began > PASS_SECONDS:
                return f"a pass over {key} began {now - began:.0f} s ago and does not end"
        if not queue.in_flight and queue.oldest() > WAIT_SECONDS:
            return f"nobody has served the queue for {queue.oldest():.0f} s"
        if self._watching is not None and now - self._watching > WATCH_SECONDS:
            return f"the watches have shown no sign for {now - self._watching:.0f} s"
        return ""
