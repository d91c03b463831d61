"""How many worker processes a shard gets. Pure."""

from collections.abc import Sequence

from reelmill.contract.task import ShardLimits
from reelmill_stages.media.gpu import GpuDevice

WORKER_MEMORY = 2**30
"""Bytes of GPU memory that one worker is given: a CUDA context and the surfaces of a decoder."""


def pool_size(limits: ShardLimits, cpus: int, gpus: Sequence[GpuDevice]) -> int:
    """The number asked for, else one per CPU; beside GPUs no more than their memory holds, and at least one for each.

    A number that a person asked for is taken as it is.
    """
    wanted = limits.workers or cpus
    if not limits.fit_gpus or not gpus:
        return wanted
    room = sum(max(gpu.memory // WORKER_MEMORY, 1) for gpu in gpus)
    return max(min(wanted, room), len(gpus))
