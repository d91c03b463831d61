"""GPUs that this process may use, from NVIDIA's management library. Only `gpu_time` uses the library as well.

A missing library, driver or permission means no GPU, never an error. `CUDA_VISIBLE_DEVICES` limits the GPUs, as for
every program that uses CUDA.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pynvml

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Variable with indexes or UUIDs of the GPUs to use, separated by commas; unset: all."""


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """One device: its index for CUDA, product name and memory in bytes."""

    index: int
    name: str
    memory: int


def gpus(environment: Mapping[str, str] = os.environ) -> list[GpuDevice]:
    """Return the GPUs by CUDA index, which counts visible GPUs; empty if there are none."""
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
    """Return the CUDA compute capability (`8.9`) of the GPU with this CUDA index; None if unknown."""
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
    """Yield handles in the order of the list. As in CUDA, the first invalid entry ends the list."""
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
