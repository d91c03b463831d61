"""Seconds in which GPUs worked, from samples of their utilisation by NVIDIA's management library.

In a pod, the GPUs that it sees are its own: what counts is their utilisation, of whichever of the engines (compute,
decoder, encoder) was the busiest. On a machine of several programs, the library tells the utilisation by process.
"""

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pynvml

from reelmill_stages.media.gpu import VISIBLE, visible_handles

SAMPLE_SECONDS = 1.0
"""Seconds between two samples; the library averages over about as long."""

Busy = Callable[[], float | None]
"""How busy all GPUs together are at this moment: 1 for each that has no pause; None: nobody knows."""


class GpuTime:
    """Adds up samples. `tick` takes the next one when it is due."""

    def __init__(self, busy: Busy, now: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._now = now
        self._last = now()
        self._seconds: float | None = None
        self._silent = False

    def tick(self) -> None:
        """Take a sample if one is due. It stands for the time since the last one."""
        now = self._now()
        if self._silent or now - self._last < SAMPLE_SECONDS:
            return
        busy = self._busy()
        if busy is None:
            self._silent = True  # there is no GPU, or it does not say
            return
        self._seconds = (self._seconds or 0.0) + busy * (now - self._last)
        self._last = now

    def take(self) -> float | None:
        """Seconds since the last time that this was called; None: not known."""
        found, self._seconds = self._seconds, None
        return found


def of_devices(environment: Mapping[str, str] = os.environ) -> float | None:
    """How busy the visible GPUs are, whoever uses them. None without a GPU, and on a MIG slice, which does not say."""
    return _asked(lambda: sum(_of_device(handle) for handle in visible_handles(environment.get(VISIBLE))))


def of_processes(pids: Collection[int], environment: Mapping[str, str] = os.environ) -> float | None:
    """How busy these processes keep the visible GPUs; None without a GPU, and where the driver does not say."""
    since = int((time.time() - 2 * SAMPLE_SECONDS) * 1e6)
    handles = visible_handles(environment.get(VISIBLE))
    return _asked(lambda: sum(_of_processes(handle, pids, since) for handle in handles))


def _asked(question: Callable[[], float]) -> float | None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        return question()
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _of_device(handle: Any) -> float:
    busiest = max(
        pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        pynvml.nvmlDeviceGetDecoderUtilization(handle)[0],
        pynvml.nvmlDeviceGetEncoderUtilization(handle)[0],
    )
    return float(busiest) / 100


def _of_processes(handle: Any, pids: Collection[int], since: int) -> float:
    try:
        samples = pynvml.nvmlDeviceGetProcessUtilization(handle, since)
    except pynvml.NVMLError_NotFound:  # nobody has used it since
        return 0.0
    latest = {sample.pid: sample for sample in sorted(samples, key=lambda sample: sample.timeStamp)}
    found = (latest[pid] for pid in pids if pid in latest)
    return float(min(1.0, sum(max(one.smUtil, one.decUtil, one.encUtil) for one in found) / 100))
