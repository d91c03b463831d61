"""A token bucket that limits the rate of the operator's writes."""

import asyncio
from collections.abc import Callable


class Budget:
    """`rate` tokens per second, at most `burst` accumulated, in order of the requests."""

    def __init__(
        self,
        rate: float,
        burst: int,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._tokens, self._at = float(burst), clock()

    def reserve(self) -> float:
        """Take a token; returns the seconds to wait until it is available."""
        self._accumulate()
        self._tokens -= 1
        return max(-self._tokens / self._rate, 0.0)

    def seconds_until(self, tokens: int) -> float:
        """Seconds until this number of tokens is available, or a full burst if that is less; 0 if they are now."""
        self._accumulate()
        return max((min(tokens, self._burst) - self._tokens) / self._rate, 0.0)

    async def take(self) -> float:
        """Wait for a token; returns the time waited in seconds."""
        if seconds := self.reserve():
            await asyncio.sleep(seconds)
        return seconds

    def _accumulate(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + max(now - self._at, 0.0) * self._rate)
        self._at = now
