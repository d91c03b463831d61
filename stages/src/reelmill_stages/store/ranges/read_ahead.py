"""How much to request at once, from the measured latency and throughput of the server."""

from dataclasses import dataclass

SMALLEST = 64 << 10
"""Bytes of a first read at a place."""
LARGEST = 4 << 20
"""Bytes of one request."""
MOST_AHEAD = 16 << 20
"""Bytes that are transferred ahead of the reads at any time."""
_LATENCIES = 4
"""A request is as long as the connection carries in so many latencies, so that waiting costs a fifth at most."""


@dataclass(slots=True)
class ReadAhead:
    """Measured over the requests of one object; until there are some, a wide and slow connection is assumed."""

    latency: float = 0.0
    """Seconds: the shortest request so far."""
    throughput: float = 0.0
    """Bytes a second, behind the latency, of the fastest request so far."""

    def measured(self, size: int, seconds: float) -> None:
        """Take in a request of `size` bytes."""
        self.latency = min(self.latency or seconds, seconds)
        beyond = seconds - self.latency
        if beyond > 0:
            self.throughput = max(self.throughput, size / beyond)

    def request(self) -> int:
        """Bytes of one request where what follows is certainly read."""
        if not self.throughput:
            return LARGEST // 2
        return max(SMALLEST * 4, min(LARGEST, int(self.throughput * self.latency * _LATENCIES)))

    def parallel(self) -> int:
        """Requests at a time ahead of the reads."""
        return max(2, min(8, MOST_AHEAD // self.request()))
