"""Selection of the device on which a model runs."""

from dataclasses import dataclass
from typing import Any, Literal

from reelmill.contract.counters import StageCounter
from reelmill_stages.host.cgroup import cpus
from reelmill_stages.media.gpu import gpus
from reelmill_stages.media.gpu_fallback import NO_GPU, GpuFallback, fallback
from reelmill_stages.models.extra import load


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device by name."""

    name: str
    fallback: GpuFallback | None = None
    """Why the CPU is used although a GPU was requested or is present."""

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"


def choose(wanted: Literal["auto", "cpu", "gpu"], *, gpu: int = 0, threads: int | None = None) -> Device:
    """Return the GPU with this index if torch can use GPUs and `cpu` is not requested; otherwise the CPU.

    `threads` is the number of threads on the CPU; None: one per CPU.
    """
    torch: Any = load("torch")
    if wanted != "cpu" and torch.cuda.is_available():
        return Device(f"cuda:{gpu}")
    # By default, torch uses a thread for every core of the node, regardless of the pod's limit.
    torch.set_num_threads(threads or max(1, cpus()))
    return Device("cpu", _fallback(torch, wanted))


def _fallback(torch: Any, wanted: Literal["auto", "cpu", "gpu"]) -> GpuFallback | None:
    present = wanted != "cpu" and bool(gpus())
    if not present:
        return NO_GPU if wanted == "gpu" else None
    if torch.version.cuda is None:
        found = GpuFallback(StageCounter.GPU_FALLBACK_PACKAGE, f"torch {torch.__version__} is built without CUDA")
    else:
        found = _torch_error(torch)
    found.log()
    return found


def _torch_error(torch: Any) -> GpuFallback:
    try:
        torch.cuda.init()
    except Exception as error:  # torch and its driver raise many types of errors
        return fallback([str(error)])
    return GpuFallback(StageCounter.GPU_FALLBACK_DRIVER, "torch finds no GPU")
