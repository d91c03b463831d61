"""How many pipelines are processed at the same time: as many as the API server answers without a queue. Pure.

Requests beyond what the API server can handle only wait there. In the operator's own queue, changes of a waiting
pipeline are merged, and changes precede timers. As in TCP Vegas, the length of the server's queue is estimated from how
much longer requests take than in its fastest time.
"""

from statistics import median

FIRST = 4
"""Number of pipelines at the start."""
WINDOW = 32
"""Number of patches between two changes of the limit."""
SHORT, LONG = 2, 3
"""Numbers of requests in the server's queue below and above which the limit is raised and lowered. It never falls below
the second one, because more requests cannot wait than are sent.
"""
FORGETTING = 1.001
"""Growth of the fastest time per window, so that a server that has become slower is a fast one again after a while."""


class ConcurrencyLimit:
    """The limit; `most` is its maximum."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.value = min(FIRST, most)
        """The current limit."""
        self._times: list[float] = []
        self._fastest = float("inf")

    def observe(self, method: str, status: int, seconds: float) -> None:
        """Record a request. Only patches that succeeded count.

        Every pass begins with one, so they take about the same time, unlike writes of all kinds. A refusal, and a
        connection that is refused, take little time however slow the server is.
        """
        if method != "PATCH" or not 200 <= status < 300:
            return
        self._times.append(seconds)
        if len(self._times) < WINDOW:
            return
        usual = max(median(self._times), 1e-6)
        self._times.clear()
        self._fastest = min(usual, self._fastest * FORGETTING)
        queued = self.value * (1 - self._fastest / usual)
        if queued > LONG:
            self.value -= 1
        elif queued < SHORT:
            self.value = min(self.value + 1, self.most)
