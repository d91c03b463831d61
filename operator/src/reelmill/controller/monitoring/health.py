"""Liveness: passes end, the queue is served, and watches are active.

An API server that does not answer fails no probe, because a restart of the operator would not help.
"""

from collections.abc import Callable

from reelmill.controller.state.queue import WorkQueue

PASS_SECONDS = 600.0
"""Maximum duration of a pass in seconds; its requests time out long before."""
WAIT_SECONDS = 300.0
"""Maximum time in seconds that a key waits while no pass is running."""
WATCH_SECONDS = 1200.0
"""Maximum time in seconds without activity of the watches."""


class Health:
    """Tracks whether the operator is alive. `clock` returns seconds and must be the clock of the queue."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._watching: float | None = None
        self.ready = False
        """Everything was listed once, or this replica is on standby."""

    def watch_sign(self) -> None:
        """Record activity of a watch."""
        self._watching = self._clock()

    def illness(self, queue: WorkQueue) -> str:
        """Why the operator is not alive; empty if it is."""
        now = self._clock()
        for key, began in queue.in_flight.items():
            if now - began > PASS_SECONDS:
                return f"a pass over {key} has been running for {now - began:.0f} s"
        if not queue.in_flight and queue.oldest() > WAIT_SECONDS:
            return f"the queue has not been served for {queue.oldest():.0f} s"
        if self._watching is not None and now - self._watching > WATCH_SECONDS:
            return f"the watches have been inactive for {now - self._watching:.0f} s"
        return ""
