"""Resource limits of a shard, as a part of its task."""

from typing import Any

from pydantic import Field, model_validator

from reelmill.contract.model import Model


class ShardLimits(Model):
    """Resource limits of a shard, and its handling of failing items."""

    workers: int = 0
    """Number of worker processes; 0: one per CPU of the cgroup limit."""
    for_requests: bool = Field(False, exclude_if=lambda value: not value)
    """Whether `workers` is the number of requests to a server in flight, which does not depend on the CPUs."""
    fit_gpus: bool = False
    """Adapt the number of workers to the GPUs: at least one per GPU, and at most as many as their memory holds."""
    item_timeout: float = 120.0
    """Wall time in seconds for one group; after that, SIGKILL and `failed(decode_timeout)`."""
    early_abort: int = 50
    """The shard ends with exit code 65 if its first so many items all fail in one class."""
    checkpoint_seconds: float = 20.0
    """Seconds between two checkpoints."""
    memory_max: int | None = Field(None, exclude_if=lambda value: value is None)
    """Maximum memory in bytes that a pod may get: an item that exhausted a pod with less is tried again. None: the
    memory of this pod."""

    @model_validator(mode="before")
    @classmethod
    def _drop_former_fields(cls, given: Any) -> Any:
        """Drop `workerMemory`, which version 0.1.0 always wrote as 0."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if name != "workerMemory"}
