"""The number of worker processes of a shard. Pure functions."""

from collections.abc import Sequence

from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.media.gpu import GpuDevice

WORKER_MEMORY = 2**30
"""GPU memory per worker in bytes: a CUDA context and the surfaces of a decoder."""


def fewer(workers: int, killed: int) -> int:
    """The number of workers after `killed` runs of a shard were killed: halved for each, and at least one."""
    return max(workers >> killed, 1)


def pool_size(limits: ShardLimits, cpus: int, gpus: Sequence[GpuDevice]) -> int:
    """The configured number of workers, or one per CPU.

    With `fit_gpus`, at least one per GPU, and at most as many as fit into the memory of the GPUs. A number configured
    by the user is not changed.
    """
    wanted = limits.workers or cpus
    if not limits.fit_gpus or not gpus:
        return wanted
    room = sum(max(gpu.memory // WORKER_MEMORY, 1) for gpu in gpus)
    return max(min(wanted, room), len(gpus))
