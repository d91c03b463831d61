"""The usage of one run of a shard, stored in its commit, or else in a record that exists even if the run is killed."""

import os
import time
from contextlib import suppress
from typing import Protocol

from reelmill.contract.errors import ReelmillError
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.usage import Usage, UsageRecord
from reelmill_stages.media.gpu_time import GpuTime, of_devices, of_processes
from reelmill_stages.records.record_files import dump
from reelmill_stages.runtime.usage_meter import UsageMeter
from reelmill_stages.store import Store


class Workers(Protocol):
    """Workers whose usage is counted."""

    @property
    def pids(self) -> list[int]: ...

    def take_usage(self) -> Usage: ...


class RunUsage:
    """The usage of one run. Not thread-safe."""

    def __init__(
        self, meter: UsageMeter, store: Store, paths: SegmentPaths, shard: int, run: str, seconds: float
    ) -> None:
        """The record is rewritten every `seconds`."""
        self._meter = meter
        self._store = store
        self._key = paths.usage(shard, run)
        self._seconds = seconds
        self._last = time.monotonic()
        self._written = False
        self._told = False
        self._taken = Usage()
        self._workers: Workers | None = None

    def watch(self, workers: Workers) -> None:
        """Count the usage of these workers until `unwatch`."""
        self._workers = workers
        self._meter.watch(
            lambda: workers.pids,
            GpuTime(of_devices if self._meter.in_pod else lambda: of_processes({os.getpid(), *workers.pids})),
        )

    def unwatch(self) -> None:
        """Stop counting, after the workers have ended."""
        self._collect()
        self._workers = None
        self._meter.unwatch()

    def tick(self) -> None:
        """Take a sample, and write the record if it is due. Errors of the store are left to other users of it."""
        self._meter.tick()
        if time.monotonic() - self._last >= self._seconds:
            self._collect()
            self._write(UsageRecord(usage=self._meter.so_far()))

    def take(self) -> Usage:
        """The usage for the shard's commit."""
        self._taken = self._meter.take()
        return self._taken

    def committed(self, *, ours: bool) -> None:
        """Handle the commit of the shard: by this run with its usage (`ours`), or by another one."""
        if not ours:
            self._meter.add(self._taken)
            return
        self._told = True
        if self._written:
            with suppress(ReelmillError):
                self._store.delete(self._key)

    def end(self) -> None:
        """End the run: unless it has committed the shard, its usage is written to the record."""
        if not self._told:
            self._write(UsageRecord(usage=self._meter.take(), ended=True))

    def _collect(self) -> None:
        if self._workers:
            self._meter.add(self._workers.take_usage())

    def _write(self, record: UsageRecord) -> None:
        self._last = time.monotonic()
        with suppress(ReelmillError):
            self._store.write(self._key, dump(record))
            self._written = True
