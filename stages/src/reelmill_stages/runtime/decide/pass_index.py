"""The index of the inputs that a pass keeps, merged with indexes of earlier passes (`tiers`).

Its files are determined by the segments before the pass and the kept inputs in order, so they can be made again.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.decide import postings, tiers
from reelmill_stages.runtime.decide.checked_postings import checked
from reelmill_stages.runtime.decide.growing_index import GrowingIndex
from reelmill_stages.runtime.decide.kept import KeptInputs
from reelmill_stages.runtime.decide.stored_index import StoredIndex
from reelmill_stages.stage import Signed, Stage


class PassIndex:
    """The index of a pass while it grows, in a folder. `data` has the segments before that of the pass.

    `with_checks`: as `KeptIndex.checked`. Raises StoreDamaged for an index that is merged into it.
    """

    def __init__(self, data: DataSet, folder: Path, *, with_checks: bool = True) -> None:
        self._folder = folder
        self._with_checks = with_checks
        self._growing = GrowingIndex(folder, sums=with_checks)
        segments = tiers.live_segments(data.segments())
        indexes = [StoredIndex(data, segment.kept) for segment in segments if segment.kept]
        first = len(indexes) - tiers.count_to_merge([len(index) for index in indexes])
        for index in indexes[first:]:
            self._growing.take(index)
        self._taken = len(self._growing)
        self.since = segments[first].segment if first < len(segments) else 0
        """The first earlier segment whose kept inputs it includes; 0 if there is none."""
        if self.since and (kept := segments[first].kept) and kept.since:
            self.since = kept.since
        self.kept = KeptInputs(indexes[:first], self._growing)
        """All kept inputs, over all passes."""

    def __len__(self) -> int:
        return len(self._growing)

    @property
    def added(self) -> int:
        """Number of inputs of the pass itself."""
        return len(self._growing) - self._taken

    def add(self, kept: Sequence[Signed], stage: Stage) -> None:
        """Add kept inputs, in the order of decision."""
        if kept:
            values, owners = stage.terms([one.data for one in kept])
            self._growing.add(kept, postings.mixed(values), owners)

    def buckets(self) -> Iterator[Path | None]:
        """A file of each bucket of postings, which exists until the next one is requested; None for an empty bucket."""
        for number, bucket in enumerate(self._growing.buckets()):
            if not len(bucket):
                yield None
                continue
            file = self._folder / f"bucket-{number}.bin"
            postings.write(file, iter([checked(bucket, number) if self._with_checks else bucket]), len(bucket))
            yield file
            file.unlink()

    def blocks(self) -> Iterator[Path]:
        """A file of each block of keys and signatures."""
        yield from self._growing.block_files()
