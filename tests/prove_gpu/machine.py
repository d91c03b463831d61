"""The GPU as NVIDIA's management library tells it, and whether the table of decoders knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pynvml

from prove_gpu.case import Case, passed
from reelmill.contract.gpus import nvdec
from reelmill_stages.media.gpu import compute_capability, gpus
from reelmill_stages.media.gpu_time import of_devices

PART = "machine"


def run(_: Path, _device: str) -> Iterator[Case]:
    """Each GPU."""
    for gpu in gpus():
        capability = compute_capability(gpu.index)
        found = nvdec.of_capability(capability or "")
        named = nvdec.of_product(gpu.name)
        known = found.name if found else "a generation that the table of decoders does not know"
        if named is not found:
            known += f", by its name {named.name if named else 'none that it knows'}"
        yield passed(
            PART, f"GPU {gpu.index}", f"{gpu.name}: {known}",
            name=gpu.name, memory=gpu.memory, compute_capability=capability, driver=_driver(), busy=of_devices(),
        )  # fmt: skip


def _driver() -> str:
    pynvml.nvmlInit()
    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    finally:
        pynvml.nvmlShutdown()
