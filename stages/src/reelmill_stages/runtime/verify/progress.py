"""The progress of a verification: parts of segments found intact, so that an interrupted verification can continue.

It is saved every few seconds and at the end, to a local file or to an object. A part with damage is not recorded, and
is read again.
"""

import time
from collections import defaultdict
from collections.abc import Callable

from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.records.verification import ProgressRecord

SAVE_SECONDS = 20.0
"""Maximum work in seconds that an interrupted verification may lose."""

Save = Callable[[bytes], None]
"""Stores the record, replacing the previous one."""


class VerificationProgress:
    """The verification so far. Without `save`, nothing is stored."""

    def __init__(self, record: ProgressRecord, save: Save | None = None) -> None:
        """Continues from `record`. Raises ValueError for invalid ranges."""
        self.earlier = record.objects
        """Number of objects that an earlier, interrupted verification found intact."""
        self._record = record
        self._objects = record.objects
        self._save = save
        self._saved = time.monotonic()
        self._whole: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for root, segments in record.whole.items():
            for segment, ranges in segments.items():
                self._whole[root][segment] = set(parse_ranges(ranges))

    def has(self, root: str, segment: int, part: int) -> bool:
        """Whether a part was found intact."""
        return part in self._whole.get(root, {}).get(segment, ())

    def note(self, root: str, segment: int, part: int, objects: int) -> None:
        """Record an intact part with this number of objects."""
        if self._save is None:
            return
        self._whole[root][segment].add(part)
        self._objects += objects
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save the progress."""
        if self._save is None:
            return
        whole = {
            root: {number: format_ranges(parts) for number, parts in segments.items()}
            for root, segments in self._whole.items()
        }
        record = self._record.replace(whole=whole, objects=self._objects)
        self._save(record.model_dump_json(by_alias=True).encode())
        self._saved = time.monotonic()
