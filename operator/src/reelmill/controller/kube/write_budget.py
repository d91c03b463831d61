"""A token bucket: how many writes a second the operator allows itself. It bounds writes, never the queue."""

import asyncio
from collections.abc import Callable


class Budget:
    """`rate` tokens a second, at most `burst` saved up. Whoever comes first is served first."""

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
        """Take a token, saved up or still to come; how many seconds to wait until it is there."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + max(now - self._at, 0.0) * self._rate)
        self._at = now
        self._tokens -= 1
        return max(-self._tokens / self._rate, 0.0)

    async def take(self) -> float:
        """Wait for a token; how long it took."""
        if seconds := self.reserve():
            await asyncio.sleep(seconds)
        return seconds
