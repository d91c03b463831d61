"""Seconds in which GPUs and their decoders worked, from samples of their utilisation by NVIDIA's management library.

In a pod, the GPUs that it sees are its own: a GPU is as busy as the busiest of its engines (compute, decoder, encoder).
The decoder is also told alone. On a machine of several programs, the library tells the utilisation by process.
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
"""Seconds between two samples; the library averages over about as long."""


class GpuWork(NamedTuple):
    """Work of all GPUs together: a share of this moment, 1 for each that has no pause, or seconds."""

    any_engine: float
    """Of whichever engine of each GPU is the busiest."""
    decoder: float
    """Of the decoders."""

    def times(self, seconds: float) -> "GpuWork":
        return GpuWork(self.any_engine * seconds, self.decoder * seconds)

    def plus(self, other: "GpuWork") -> "GpuWork":
        return GpuWork(self.any_engine + other.any_engine, self.decoder + other.decoder)


IDLE = GpuWork(0.0, 0.0)
Busy = Callable[[], GpuWork | None]
"""How busy all GPUs together are at this moment; None: nobody knows."""


class GpuTime:
    """Adds up samples. `tick` takes the next one when it is due."""

    def __init__(self, busy: Busy, now: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._now = now
        self._last = now()
        self._seconds: GpuWork | None = None
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
        self._seconds = (self._seconds or IDLE).plus(busy.times(now - self._last))
        self._last = now

    def take(self) -> Usage:
        """Seconds of GPUs and decoders since the last time that this was called, if they are known."""
        found, self._seconds = self._seconds, None
        return Usage(gpu_seconds=found.any_engine, gpu_decoder_seconds=found.decoder) if found else Usage()


def of_devices(environment: Mapping[str, str] = os.environ) -> GpuWork | None:
    """How busy the visible GPUs are, whoever uses them. None without a GPU, and on a MIG slice, which does not say."""
    return _asked(lambda: map(_of_device, visible_handles(environment.get(VISIBLE))))


def of_processes(pids: Collection[int], environment: Mapping[str, str] = os.environ) -> GpuWork | None:
    """How busy these processes keep the visible GPUs; None without a GPU, and where the driver does not say."""
    since = int((time.time() - 2 * SAMPLE_SECONDS) * 1e6)
    handles = visible_handles(environment.get(VISIBLE))
    return _asked(lambda: (_of_processes(handle, pids, since) for handle in handles))


def _asked(question: Callable[[], Iterable[GpuWork]]) -> GpuWork | None:
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
    except pynvml.NVMLError_NotFound:  # nobody has used it since
        return IDLE
    latest = {sample.pid: sample for sample in sorted(samples, key=lambda sample: sample.timeStamp)}
    found = [latest[pid] for pid in pids if pid in latest]
    busiest = sum(max(one.smUtil, one.decUtil, one.encUtil) for one in found)
    return GpuWork(min(1.0, busiest / 100), min(1.0, sum(one.decUtil for one in found) / 100))
