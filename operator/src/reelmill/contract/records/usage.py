"""Resources used by a stage: time of CPUs, GPUs and pods, bytes of the store, and what its workers waited for.

All paid work counts, including runs of a shard that failed, were repeated, or lost the race for its commit. Each
process is counted once. An absent value is unknown, and never replaced by 0. Records of versions that did not count
have no usage.

- A commit of a shard has the usage of the run that wrote it (`ShardCommit.usage`).
- A run that ends otherwise leaves a separate record (`UsageRecord`), which it updates while it works. A killed run is
  counted up to its last record, at most some seconds before its end, and as one of `lostRuns`.
- A segment has the sum of both and of its open and commit steps, for its pass (`Segment.usage`) and for all passes so
  far (`Segment.totalUsage`).
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from reelmill.contract.model import Model


class Bound(StrEnum):
    """What a stage's workers spent most of their time on, and which therefore limits the stage."""

    DECODE = "decode"
    """Decoding of video and sound."""
    COMPUTE = "compute"
    """All other processing of items: encoding, models, arrays."""
    STORE = "store"
    """Reads and writes of the store and the sources."""
    WAITING = "waiting"
    """Waiting for a model server, for inputs, or for the process that assembles and commits."""


class WorkSeconds(Model):
    """Wall time of all worker processes in seconds, by activity; the sum is their total time."""

    decode: float = Field(0.0, ge=0, allow_inf_nan=False)
    compute: float = Field(0.0, ge=0, allow_inf_nan=False)
    store: float = Field(0.0, ge=0, allow_inf_nan=False)
    waiting: float = Field(0.0, ge=0, allow_inf_nan=False)

    def __add__(self, other: "WorkSeconds") -> "WorkSeconds":
        return WorkSeconds(
            decode=round(self.decode + other.decode, 3),
            compute=round(self.compute + other.compute, 3),
            store=round(self.store + other.store, 3),
            waiting=round(self.waiting + other.waiting, 3),
        )


class Usage(Model):
    """Resources used. The sum of two usages has the values that are known in either."""

    cpu_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    """CPU seconds, user and system, of all processes: the kernel's counter of the container (cgroup v2), or those of
    the processes."""
    gpu_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Seconds during which GPUs were busy, from NVIDIA's management library; absent without a GPU."""
    gpu_decoder_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Seconds during which the decoders of GPUs were busy, a part of `gpuSeconds`; absent without a GPU."""
    pod_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Wall time in seconds of the pods, or of the steps on one machine, from the start of the process."""
    bytes_read: int | None = Field(None, ge=0)
    """Bytes read from the store and the sources. A file used in place in a folder counts with its size."""
    bytes_written: int | None = Field(None, ge=0)
    """Bytes written to the store, including records."""
    work: WorkSeconds | None = None
    """Wall time of the workers by activity."""
    lost_runs: int = Field(0, ge=0)
    """Number of runs that were killed, whose usage after their last record is unknown."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            cpu_seconds=_seconds(self.cpu_seconds, other.cpu_seconds),
            gpu_seconds=_seconds(self.gpu_seconds, other.gpu_seconds),
            gpu_decoder_seconds=_seconds(self.gpu_decoder_seconds, other.gpu_decoder_seconds),
            pod_seconds=_seconds(self.pod_seconds, other.pod_seconds),
            bytes_read=_sum_of_known(self.bytes_read, other.bytes_read),
            bytes_written=_sum_of_known(self.bytes_written, other.bytes_written),
            work=self.work + other.work if self.work and other.work else self.work or other.work,
            lost_runs=self.lost_runs + other.lost_runs,
        )

    @property
    def bound(self) -> Bound | None:
        """What limits the stage; None: unknown."""
        return bound(self.work) if self.work else None


class UsageRecord(Model):
    """`usage/00012-<run>.json`: the usage of a run of a shard so far, replaced as it grows."""

    usage: Usage
    ended: bool = False
    """Whether the run wrote it at its end; otherwise it is running, or was killed."""


def bound(work: WorkSeconds) -> Bound | None:
    """The activity with the most worker time, or the first of equals in the order of `Bound`; None without any time."""
    longest = max(Bound, key=lambda one: getattr(work, one.value))
    return longest if getattr(work, longest.value) else None


def sum_of_usages(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of all known usages; None if none is known."""
    found: Usage | None = None
    for usage in usages:
        found = found + usage if found and usage else found or usage
    return found


def _seconds(one: float | None, other: float | None) -> float | None:
    return round((one or 0.0) + (other or 0.0), 3) if one is not None or other is not None else None


def _sum_of_known(one: int | None, other: int | None) -> int | None:
    return (one or 0) + (other or 0) if one is not None or other is not None else None
