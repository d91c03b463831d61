"""Size of requests, from the measured latency and throughput of the server."""

from dataclasses import dataclass

SMALLEST = 64 << 10
"""Bytes of the first read at a position."""
LARGEST = 4 << 20
"""Maximum size of a request in bytes."""
MOST_AHEAD = 16 << 20
"""Maximum number of bytes that are transferred ahead of the reads."""
_LATENCIES = 4
"""Size of a request in latencies of transfer, so that waiting takes at most a fifth of the time."""


@dataclass(slots=True)
class ReadAhead:
    """Measurements of the requests of one object; initially, a wide and slow connection is assumed."""

    latency: float = 0.0
    """Seconds: the shortest request so far."""
    throughput: float = 0.0
    """Bytes per second, after the latency, of the fastest request so far."""

    def measured(self, size: int, seconds: float) -> None:
        """Record a request of `size` bytes."""
        self.latency = min(self.latency or seconds, seconds)
        beyond = seconds - self.latency
        if beyond > 0:
            self.throughput = max(self.throughput, size / beyond)

    def request(self) -> int:
        """Size of one request in bytes if the following bytes are certainly read."""
        if not self.throughput:
            return LARGEST // 2
        return max(SMALLEST * 4, min(LARGEST, int(self.throughput * self.latency * _LATENCIES)))

    def parallel(self) -> int:
        """Number of simultaneous requests ahead of the reads."""
        return max(2, min(8, MOST_AHEAD // self.request()))
