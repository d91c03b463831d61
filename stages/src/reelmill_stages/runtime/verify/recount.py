"""Recount of the effective rows of a data set, to compare them with the totals that its segments carry forward."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from reelmill.contract.records.rows import LedgerRow
from reelmill.contract.records.segment import Segment
from reelmill_stages.records.effective_rows import LatestRows


class Recount:
    """The ledger of a stage's committed segments, added in order. A context manager."""

    def __init__(self) -> None:
        self._latest = LatestRows()
        self._last: Segment | None = None
        self._complete = True
        self._inputs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._latest.__exit__(kind, error, trace)

    def add(self, segment: Segment, rows: Iterable[LedgerRow]) -> None:
        """Add rows of a segment. If reading them raises, the error is passed on and the totals cannot be compared."""
        try:
            self._latest.add(segment.segment, rows)
        except BaseException:
            self._complete = False
            raise

    def set_last_segment(self, segment: Segment | None) -> None:
        """Set the last segment so far; None: it cannot be read, and nothing can be compared."""
        self._complete &= segment is not None
        self._last = segment and segment.replace(parts=())
        if segment is not None and segment.kind != "retry":
            self._inputs += segment.counts.in_

    def difference(self) -> str:
        """The difference between the totals of the last segment and the rows; empty if none or unknown."""
        last = self._last
        if last is None or not self._complete or last.kind == "listing":  # its ledger has rows of failed entries only
            return ""
        totals, reasons = self._latest.totals()
        if self._latest.keys() != self._inputs:  # passes share a key, which earlier versions counted once
            return ""
        if totals != last.totals:
            return f"its totals are {last.totals}, those of the effective rows {totals}"
        if reasons != {name: count for name, count in last.reasons.items() if count}:
            return f"its reasons are {last.reasons}, those of the effective rows {reasons}"
        return ""
