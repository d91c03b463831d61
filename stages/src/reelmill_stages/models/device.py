"""Where a model runs: chosen once per shard, and said when it is not where it should be."""

from dataclasses import dataclass
from typing import Any, Literal

from reelmill_stages.host.cgroup import cpus
from reelmill_stages.media.gpu import gpus
from reelmill_stages.models.extra import load


@dataclass(frozen=True, slots=True)
class Device:
    """`name` as torch spells it. `is_fallback`: a GPU was asked for, or is there, and the CPU does the work."""

    name: str
    is_fallback: bool

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"


def choose(wanted: Literal["auto", "cpu", "gpu"]) -> Device:
    """The first GPU that torch can use, unless the CPU is wanted; else the CPU, with a thread for each of the pod's."""
    torch: Any = load("torch")
    if wanted != "cpu" and torch.cuda.is_available():
        return Device("cuda:0", is_fallback=False)
    # Left alone torch takes a thread for every core of the node, whatever the pod's limit.
    torch.set_num_threads(max(1, cpus()))
    return Device("cpu", is_fallback=wanted == "gpu" or (wanted == "auto" and bool(gpus())))
