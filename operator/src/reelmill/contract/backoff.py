"""Exponential backoff: each failure in a row doubles the delay, up to a limit, spread by jitter where many retry."""

import random
from dataclasses import dataclass

chance = random.SystemRandom().random
"""A number in 0..1 for jitter. It leaves the numbers of `random` alone, which a stage's code may have seeded, and
differs in processes forked from one.
"""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts.

    `first` and `most` are the seconds after one failure and after many. `jitter` (0..1) is the share by which a delay
    varies in both directions; 0.5 gives half to one and a half of it.
    """

    first: float
    most: float
    jitter: float = 0.0

    def delay(self, failures: int, chance: float = 0.5) -> float:
        """Seconds after so many failures in a row (1 or more). `chance` (0..1) picks the place within the jitter."""
        seconds = min(self.first * 2.0 ** min(failures - 1, 60), self.most)
        return seconds * (1.0 + self.jitter * (2.0 * chance - 1.0))
