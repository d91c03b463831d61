"""How often pipelines are told about: the more are at work, the less often each, so that telling never slows the work.

Telling is what nobody acts on: counts of pods at work, and a look at pods that do not start. Pure.
"""

TOLD_A_SECOND = 20.0
"""At 1,000 pipelines each is told about within a minute still."""


class ReportRate:
    """Which pipelines are at work, and how many of all may be told about in a second."""

    def __init__(self, told_a_second: float = TOLD_A_SECOND) -> None:
        self._rate = told_a_second
        self._at_work: set[str] = set()

    def mark(self, key: str, *, at_work: bool) -> None:
        """Whether a pipeline has Jobs that may have pods."""
        if at_work:
            self._at_work.add(key)
        else:
            self._at_work.discard(key)

    def seconds(self, least: float) -> float:
        """Seconds between two tellings of one pipeline that would otherwise come every `least` seconds."""
        return max(least, len(self._at_work) / self._rate)
