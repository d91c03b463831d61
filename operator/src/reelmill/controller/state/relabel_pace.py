"""How often lost labels of the Jobs of one pipeline are restored: something may remove them again each time. Pure."""

from collections.abc import Callable

RELABEL_SECONDS = 60.0
"""Seconds until labels that somebody removes again are restored once more."""


class RelabelPace:
    """The time of the last restoration. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._restored = float("-inf")

    def is_due(self) -> bool:
        """Whether labels may be restored now."""
        return self._clock() >= self._restored + RELABEL_SECONDS

    def mark(self) -> None:
        """Record that labels are restored now."""
        self._restored = self._clock()
