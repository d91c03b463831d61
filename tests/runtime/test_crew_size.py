"""Workers of a shard: by CPUs, by what was asked for, and by the GPUs that the pod sees."""

from ctypes.util import find_library

import pytest

from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.media.gpu import GpuDevice, gpus
from reelmill_stages.runtime.workers.pool_size import pool_size

GIB = 2**30
L4 = GpuDevice(0, "NVIDIA L4", 24 * GIB)
SLICE = GpuDevice(1, "NVIDIA A100 MIG 1g.5gb", 5 * GIB)
TINY = GpuDevice(2, "tiny", GIB // 2)


@pytest.mark.parametrize(
    ("limits", "cpus", "seen", "workers"),
    [
        (ShardLimits(fit_gpus=True), 6, [], 6),
        (ShardLimits(workers=4, fit_gpus=True), 6, [], 4),
        (ShardLimits(fit_gpus=True), 16, [L4], 16),
        (ShardLimits(fit_gpus=True), 64, [L4], 24),
        (ShardLimits(workers=8, fit_gpus=True), 64, [SLICE], 5),
        (ShardLimits(fit_gpus=True), 1, [L4, SLICE, TINY], 3),
        (ShardLimits(fit_gpus=True), 9, [TINY], 1),
        (ShardLimits(workers=9), 2, [TINY], 9),
    ],
)
def test_workers_fit_cpus_and_gpus_and_a_number_that_was_asked_for_stands(
    limits: ShardLimits, cpus: int, seen: list[GpuDevice], workers: int
) -> None:
    assert pool_size(limits, cpus, seen) == workers


@pytest.mark.skipif(find_library("nvidia-ml") is not None, reason="this machine has NVIDIA's library")
def test_without_the_library_there_is_no_gpu_and_no_failure() -> None:
    assert gpus() == []
