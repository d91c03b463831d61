"""Which GPUs this machine has, by NVIDIA's management library: the only importer of pynvml.

No library, no driver or no permission means no GPU, never a failure.
"""

from dataclasses import dataclass

import pynvml


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """One device: its index for CUDA, product name and memory in bytes."""

    index: int
    name: str
    memory: int


def gpus() -> list[GpuDevice]:
    """The machine's GPUs by index; empty where there is none to use."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> GpuDevice:
    device = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(device).total
    return GpuDevice(index, str(pynvml.nvmlDeviceGetName(device)), int(memory))
