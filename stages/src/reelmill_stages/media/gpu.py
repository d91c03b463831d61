"""Which GPUs this process may use, by NVIDIA's management library. `gpu_time` asks it too, and nobody else.

No library, no driver or no permission means no GPU, never a failure. `CUDA_VISIBLE_DEVICES` limits the GPUs, as for
every program that uses CUDA.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pynvml

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Indexes or UUIDs of the GPUs to use, with commas; absent: all."""


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """One device: its index for CUDA, product name and memory in bytes."""

    index: int
    name: str
    memory: int


def gpus(environment: Mapping[str, str] = os.environ) -> list[GpuDevice]:
    """The GPUs by their index for CUDA, which counts the visible ones; empty where there is none to use."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(index, handle) for index, handle in enumerate(visible_handles(environment.get(VISIBLE)))]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def compute_capability(index: int, environment: Mapping[str, str] = os.environ) -> str | None:
    """The CUDA compute capability (`8.9`) of the GPU with this index for CUDA; None: the library does not say."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handle = next(islice(visible_handles(environment.get(VISIBLE)), index, None), None)
        return None if handle is None else "{}.{}".format(*pynvml.nvmlDeviceGetCudaComputeCapability(handle))
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def visible_handles(listed: str | None) -> Iterator[Any]:
    """Handles in the order of the list. As for CUDA, the first entry that is no GPU ends it."""
    count = pynvml.nvmlDeviceGetCount()
    for entry in map(str, range(count)) if listed is None else (part.strip() for part in listed.split(",")):
        if entry.startswith(("GPU-", "MIG-")):
            try:
                yield pynvml.nvmlDeviceGetHandleByUUID(entry)
            except pynvml.NVMLError:
                return
        elif entry.isdecimal() and int(entry) < count:
            yield pynvml.nvmlDeviceGetHandleByIndex(int(entry))
        else:
            return


def _gpu(index: int, device: Any) -> GpuDevice:
    memory = pynvml.nvmlDeviceGetMemoryInfo(device).total
    return GpuDevice(index, str(pynvml.nvmlDeviceGetName(device)), int(memory))
