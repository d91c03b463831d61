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


def choose(wanted: Literal["auto", "cpu", "gpu"]) -> Device:
    """The first GPU that torch can use, unless `cpu` is requested; otherwise the CPU, with one thread per CPU."""
    torch: Any = load("torch")
    if wanted != "cpu" and torch.cuda.is_available():
        return Device("cuda:0", is_fallback=False)
    # By default, torch uses a thread for every core of the node, regardless of the pod's limit.
    torch.set_num_threads(max(1, cpus()))
    return Device("cpu", is_fallback=wanted == "gpu" or (wanted == "auto" and bool(gpus())))
