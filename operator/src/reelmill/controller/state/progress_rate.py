"""Rate of informational updates: the more pipelines are running, the less often each is updated.

Informational updates are counts of running pods and checks of pods that do not start. Pure.
"""

TOLD_A_SECOND = 20.0
"""Updates per second over all pipelines; with 1,000 pipelines, each is updated once per minute."""


class ProgressRate:
    """The running pipelines, and the total number of updates per second."""

    def __init__(self, told_a_second: float = TOLD_A_SECOND) -> None:
        self._rate = told_a_second
        self._at_work: set[str] = set()

    def mark(self, key: str, *, at_work: bool) -> None:
        """Record whether a pipeline has Jobs that may have pods."""
        if at_work:
            self._at_work.add(key)
        else:
            self._at_work.discard(key)

    def seconds(self, least: float) -> float:
        """Seconds between two updates of one pipeline; at least `least`."""
        return max(least, len(self._at_work) / self._rate)
