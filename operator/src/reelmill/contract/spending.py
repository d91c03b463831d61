"""Spending of a pipeline: pod hours, and their cost if prices are configured.

The cost is based on what a pod reserves while it exists, used or not: its requests of CPU and memory, and its GPUs.
Failed pods count like others.
"""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model

ANY = "*"
"""Key in `Prices.gpu_hour` for GPUs of all products that are not named."""

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(Model):
    """Prices per hour, in any currency."""

    currency: Annotated[str, Field(max_length=16)] = ""
    """Label of the currency, such as `EUR`, for display only."""
    cpu_hour: Price = 0.0
    """Price of an hour of one CPU."""
    gib_hour: Price = 0.0
    """Price of an hour of one GiB of memory."""
    gpu_hour: dict[str, Price] = Field(default_factory=dict)
    """Price of an hour of one GPU, by product as in `gpu.products`; `*`: all others."""

    @property
    def known(self) -> bool:
        """Whether any price is not 0."""
        return bool(self.cpu_hour or self.gib_hour or any(self.gpu_hour.values()))

    def of_gpu(self, products: list[str]) -> float:
        """The highest price of an hour of one GPU among these products; without products, among all."""
        named = [self.gpu_hour.get(product, self.gpu_hour.get(ANY, 0.0)) for product in products]
        return max(named or self.gpu_hour.values(), default=0.0)


class PodAccount(Model):
    """A Job whose pods are being counted."""

    stage: str = ""
    """Empty for surveys and verifications."""
    pods: int = 0
    """Number of running pods when they were last counted."""
    since: float = 0.0
    """Time of the last count, in seconds since the epoch."""
    counted: float = 0.0
    """Seconds already counted for a Job with one pod, since it started or was resumed."""


class Spent(Model):
    """Spending of all pods of a pipeline. If the status is lost, the usage recorded in the store replaces it."""

    pod_seconds: float = 0.0
    """Seconds of pods, including surveys and failed attempts; for `jobs`, only up to the last count."""
    cost: float | None = None
    """Their cost, for the time during which prices were set; absent if there were none."""
    currency: str = ""
    restored: bool = False
    """Whether the usage recorded in the store before this status was created is counted."""
    jobs: dict[str, PodAccount] = Field(default_factory=dict)
    """Name of a running Job -> its pods."""
