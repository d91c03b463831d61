"""Notes in the store about the items that a run is processing, to find an item that crashes the whole pod.

Each run writes a note when it starts and deletes it when it ends. A run that finds the note of a run that never ended
records each batch of items before giving it to its workers. A run that finds such a record processes the items in it
alone, one at a time. An item that was processed alone in two runs that never ended is `failed(crash)`. Runs with less
memory than a pod may get do not count, because a later attempt has more (`resources.memoryMax`). The loss of a node
only causes its items to be processed alone once. On one machine, only crashes that the present `reelmill run` survived
count: if the whole command ended, it may have been killed by the user.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from pydantic import Field

from reelmill.contract.errors import NotFound, ReelmillError
from reelmill.contract.model import Model
from reelmill.contract.records.heartbeat import LocalProcess
from reelmill.contract.records.layout import SegmentPaths
from reelmill_stages.records.record_files import dump, parse
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

ALONE = 2
"""Number of crashes while an item was processed alone after which it fails."""


class CrashSuspects(Model):
    """Keys of the items being processed; `alone`: a single item, processed by itself."""

    items: tuple[str, ...] = ()
    alone: bool = False
    memory: int | None = Field(None, exclude_if=lambda value: value is None)
    """Memory limit of the run's container in bytes; None: no limit, or unknown."""
    process: LocalProcess | None = Field(None, exclude_if=lambda value: value is None)
    """On one machine, the `reelmill run` that started the run; None in a pod, and in notes of version 0.1.0."""


def may_have_more_memory(memory: int | None, memory_max: int | None) -> bool:
    """Whether a later pod may have more memory than one with `memory` bytes has."""
    return memory is not None and memory_max is not None and memory < memory_max


class SuspectNotes:
    """The note of one run, and the notes of earlier runs that never ended."""

    def __init__(
        self,
        store: Store,
        paths: SegmentPaths,
        shard: int,
        run: str,
        *,
        memory: int | None = None,
        memory_max: int | None = None,
        process: LocalProcess | None = None,
    ) -> None:
        """`memory` is what this run has, and `memory_max` what a later one may have, in bytes.

        `process` is the `reelmill run` that started this run, on one machine.
        """
        self._process = process
        self._memory = memory
        self._memory_max = memory_max
        self._store = store
        self._key = paths.flight(shard, run)
        self._suspects: set[str] = set()
        self._alone: Counter[str] = Counter()
        self.careful = False
        """Whether an earlier run never ended."""
        self.lost = 0
        """Number of such runs."""
        for stat in store.list(paths.flights(shard)):
            if not paths.is_flight(stat.key):
                continue
            with suppress(NotFound):  # that run has just ended
                self._add_note(parse(store.read(stat.key), address(store, stat.key), CrashSuspects))
        self._write(CrashSuspects())

    def _add_note(self, note: CrashSuspects) -> None:
        self.careful = True
        self.lost += 1
        self._suspects |= set(note.items)
        outlived = note.process in (None, self._process)
        if note.alone and outlived and not may_have_more_memory(note.memory, self._memory_max):
            self._alone.update(note.items)

    def is_suspect(self, key: str) -> bool:
        """Whether an item was being processed in a run that never ended."""
        return key in self._suspects

    def is_fatal(self, key: str) -> bool:
        """Whether an item has crashed the pod too often."""
        return self._alone[key] >= ALONE

    def note(self, keys: Sequence[str], *, alone: bool) -> None:
        """Record the items being processed, if an earlier run never ended."""
        if self.careful:
            self._write(CrashSuspects(items=tuple(keys), alone=alone))

    def end(self) -> None:
        """Delete the note of this run, which did not crash; errors of the store are ignored."""
        with suppress(ReelmillError):
            self._store.delete(self._key)

    def _write(self, note: CrashSuspects) -> None:
        note = note.replace(memory=self._memory, process=self._process)
        self._store.write(self._key, dump(note))
