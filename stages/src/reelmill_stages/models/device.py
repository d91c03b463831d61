"""Where a model runs: chosen once per shard, and said when it is not where it should be."""

from dataclasses import dataclass
from typing import Any, Literal

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
    """The first GPU that torch can use, unless the CPU is wanted; else the CPU."""
    if wanted == "cpu":
        return Device("cpu", is_fallback=False)
    torch: Any = load("torch")
    if torch.cuda.is_available():
        return Device("cuda:0", is_fallback=False)
    return Device("cpu", is_fallback=wanted == "gpu" or bool(gpus()))
