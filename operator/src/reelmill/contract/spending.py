"""What a pipeline has spent: pod hours, and money where whoever runs the planner has told what an hour costs.

What is paid is what a pod reserves for as long as it is there, whether it uses it or not: its CPUs and memory by their
requests, and its GPUs. Pods that failed count like others.
"""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model

ANY = "*"
"""In `Prices.gpu_hour`: GPUs of all products that are not named."""

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(Model):
    """What an hour costs, in any currency."""

    currency: Annotated[str, Field(max_length=16)] = ""
    """A label, such as `EUR`; it is only shown."""
    cpu_hour: Price = 0.0
    """An hour of one CPU."""
    gib_hour: Price = 0.0
    """An hour of one GiB of memory."""
    gpu_hour: dict[str, Price] = Field(default_factory=dict)
    """An hour of one GPU, by its product as in `gpu.products`; `*`: of all others."""

    @property
    def known(self) -> bool:
        """Whether anything costs anything."""
        return bool(self.cpu_hour or self.gib_hour or any(self.gpu_hour.values()))

    def of_gpu(self, products: list[str]) -> float:
        """An hour of one GPU of any of these products: of the dearest. Without products, of the dearest of all."""
        named = [self.gpu_hour.get(product, self.gpu_hour.get(ANY, 0.0)) for product in products]
        return max(named or self.gpu_hour.values(), default=0.0)


class PodAccount(Model):
    """A Job whose pods are being counted."""

    stage: str = ""
    """Empty for surveys and verifications."""
    pods: int = 0
    """Number of running pods when they were last counted."""
    since: float = 0.0
    """When they were last counted, in seconds since the epoch."""
    counted: float = 0.0
    """Seconds of a Job of one pod that are counted already, since it began or was resumed."""


class Spent(Model):
    """What all pods of a pipeline have used. If the status was lost, what the store knows of its stages counts."""

    pod_seconds: float = 0.0
    """Seconds of pods, of surveys and failed attempts too; those of `jobs` only until they were last counted."""
    cost: float | None = None
    """What they cost, as far as there were prices; absent if there were none."""
    currency: str = ""
    restored: bool = False
    """What the store knew before this status was begun is counted."""
    jobs: dict[str, PodAccount] = Field(default_factory=dict)
    """Name of a running Job -> its pods."""
