"""Selection of the device on which a model runs."""

from dataclasses import dataclass
from typing import Any, Literal

from reelmill_stages.host.cgroup import cpus
from reelmill_stages.media.gpu import gpus
from reelmill_stages.models.extra import load


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device by name. `is_fallback`: the CPU is used although a GPU was requested or is present."""

    name: str
    is_fallback: bool

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"


def choose(wanted: Literal["auto", "cpu", "gpu"], *, gpu: int = 0, threads: int | None = None) -> Device:
    """The GPU with this index if torch can use GPUs and `cpu` is not requested; otherwise the CPU.

    `threads` is the number of threads on the CPU; None: one per CPU.
    """
    torch: Any = load("torch")
    if wanted != "cpu" and torch.cuda.is_available():
        return Device(f"cuda:{gpu}", is_fallback=False)
    # By default, torch uses a thread for every core of the node, regardless of the pod's limit.
    torch.set_num_threads(threads or max(1, cpus()))
    return Device("cpu", is_fallback=wanted == "gpu" or (wanted == "auto" and bool(gpus())))
