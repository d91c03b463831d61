"""Exponential backoff: each consecutive failure doubles the delay, up to a limit, with optional jitter."""

import random
from dataclasses import dataclass

chance = random.SystemRandom().random
"""A random number in 0..1 for jitter. It does not affect `random`, which a stage's code may have seeded, and differs
between forked processes.
"""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts.

    `first` and `most` are the delays in seconds after the first failure and at the limit. `jitter` (0..1) is the share
    by which a delay varies in both directions: 0.5 gives half to one and a half times the delay.
    """

    first: float
    most: float
    jitter: float = 0.0

    def delay(self, failures: int, chance: float = 0.5) -> float:
        """Delay in seconds after `failures` consecutive failures (1 or more); `chance` (0..1) selects the jitter."""
        seconds = min(self.first * 2.0 ** min(failures - 1, 60), self.most)
        return seconds * (1.0 + self.jitter * (2.0 * chance - 1.0))
