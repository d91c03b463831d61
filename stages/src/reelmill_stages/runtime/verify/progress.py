"""The progress of a verification: which parts of segments it found whole, so that an interrupted one continues.

It is saved every few seconds and at the end, to a local file or to an object. A part in which something is damaged is
not noted, and is read again.
"""

import time
from collections import defaultdict
from collections.abc import Callable

from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.records.verification import ProgressRecord

SAVE_SECONDS = 20.0
"""Seconds of work that an interrupted verification may lose."""

Save = Callable[[bytes], None]
"""Stores the record, replacing the one before."""


class VerificationProgress:
    """What was verified so far. Without `save` nothing is kept."""

    def __init__(self, record: ProgressRecord, save: Save | None = None) -> None:
        """Continues from `record`. Raises ValueError for ranges that are none."""
        self.earlier = record.objects
        """Number of objects that an earlier, interrupted verification found whole."""
        self._record = record
        self._objects = record.objects
        self._save = save
        self._saved = time.monotonic()
        self._whole: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for root, segments in record.whole.items():
            for segment, ranges in segments.items():
                self._whole[root][segment] = set(parse_ranges(ranges))

    def has(self, root: str, segment: int, part: int) -> bool:
        """Whether a part was found whole."""
        return part in self._whole.get(root, {}).get(segment, ())

    def note(self, root: str, segment: int, part: int, objects: int) -> None:
        """A part with so many objects is whole."""
        if self._save is None:
            return
        self._whole[root][segment].add(part)
        self._objects += objects
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save what was noted."""
        if self._save is None:
            return
        whole = {
            root: {number: format_ranges(parts) for number, parts in segments.items()}
            for root, segments in self._whole.items()
        }
        record = self._record.replace(whole=whole, objects=self._objects)
        self._save(record.model_dump_json(by_alias=True).encode())
        self._saved = time.monotonic()
