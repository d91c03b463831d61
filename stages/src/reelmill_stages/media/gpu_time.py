"""Busy seconds of GPUs and their decoders, from samples of their utilisation by NVIDIA's management library.

In a pod, all visible GPUs belong to the pod: a GPU is as busy as its busiest engine (compute, decoder, encoder). The
decoder is also reported separately. On a machine with several programs, the library reports utilisation by process.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import pynvml

from reelmill.contract.records.usage import Usage
from reelmill_stages.media.gpu import VISIBLE, visible_handles

SAMPLE_SECONDS = 1.0
"""Seconds between two samples; the library averages over a similar interval."""


class GpuWork(NamedTuple):
    """Work of all GPUs together: a current share, 1 per fully busy GPU, or seconds."""

    any_engine: float
    """Work of the busiest engine of each GPU."""
    decoder: float
    """Work of the decoders."""

    def times(self, seconds: float) -> "GpuWork":
        return GpuWork(self.any_engine * seconds, self.decoder * seconds)

    def plus(self, other: "GpuWork") -> "GpuWork":
        return GpuWork(self.any_engine + other.any_engine, self.decoder + other.decoder)


IDLE = GpuWork(0.0, 0.0)
Busy = Callable[[], GpuWork | None]
"""Returns how busy all GPUs together are now; None if unknown."""


class GpuTime:
    """Accumulates samples. `tick` takes the next one when it is due."""

    def __init__(self, busy: Busy, now: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._now = now
        self._last = now()
        self._seconds: GpuWork | None = None
        self._silent = False

    def tick(self) -> None:
        """Take a sample if one is due. It represents the time since the previous sample."""
        now = self._now()
        if self._silent or now - self._last < SAMPLE_SECONDS:
            return
        busy = self._busy()
        if busy is None:
            self._silent = True  # there is no GPU, or it does not report utilisation
            return
        self._seconds = (self._seconds or IDLE).plus(busy.times(now - self._last))
        self._last = now

    def take(self) -> Usage:
        """Return the seconds of GPUs and decoders since the previous call, if known."""
        found, self._seconds = self._seconds, None
        return Usage(gpu_seconds=found.any_engine, gpu_decoder_seconds=found.decoder) if found else Usage()


def of_devices(environment: Mapping[str, str] = os.environ) -> GpuWork | None:
    """Return how busy the visible GPUs are, for all processes. None without a GPU, and on a MIG slice."""
    return _total_work(lambda: map(_of_device, visible_handles(environment.get(VISIBLE))))


def of_processes(pids: Collection[int], environment: Mapping[str, str] = os.environ) -> GpuWork | None:
    """Return how busy these processes keep the visible GPUs; None without a GPU or a report of the driver."""
    since = int((time.time() - 2 * SAMPLE_SECONDS) * 1e6)
    handles = visible_handles(environment.get(VISIBLE))
    return _total_work(lambda: (_of_processes(handle, pids, since) for handle in handles))


def _total_work(question: Callable[[], Iterable[GpuWork]]) -> GpuWork | None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        return reduce(GpuWork.plus, question(), IDLE)
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _of_device(handle: Any) -> GpuWork:
    compute = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
    decoder = pynvml.nvmlDeviceGetDecoderUtilization(handle)[0]
    encoder = pynvml.nvmlDeviceGetEncoderUtilization(handle)[0]
    return GpuWork(max(compute, decoder, encoder) / 100, decoder / 100)


def _of_processes(handle: Any, pids: Collection[int], since: int) -> GpuWork:
    try:
        samples = pynvml.nvmlDeviceGetProcessUtilization(handle, since)
    except pynvml.NVMLError_NotFound:  # not used since the last sample
        return IDLE
    latest = {sample.pid: sample for sample in sorted(samples, key=lambda sample: sample.timeStamp)}
    found = [latest[pid] for pid in pids if pid in latest]
    busiest = sum(max(one.smUtil, one.decUtil, one.encUtil) for one in found)
    return GpuWork(min(1.0, busiest / 100), min(1.0, sum(one.decUtil for one in found) / 100))
