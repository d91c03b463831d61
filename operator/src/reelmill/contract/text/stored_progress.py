"""Decides the state of a pipeline from its store, for every command and page that shows it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reelmill.contract.commands.result_rows import OpenPassRow, StatusRow
from reelmill.contract.records.segment import Counts
from reelmill.contract.task_parts.tolerance import has_only_failures, over_tolerance

DecidedState = Literal["working", "stopped", "failed", "empty", "behind", "complete"]


@dataclass(frozen=True, slots=True)
class StoredProgress:
    """What one source or stage has committed."""

    name: str
    is_source: bool
    segments: int
    totals: Counts = field(default_factory=Counts)
    is_covering: bool = False
    """Whether its upstreams have segments that it has not covered."""
    opened: OpenPassRow | None = None

    @classmethod
    def of_row(cls, row: StatusRow) -> "StoredProgress":
        """The progress that a row of `reelmill status` shows."""
        return cls(
            name=row.name,
            is_source=row.kind == "source",
            segments=row.segments,
            totals=Counts(in_=row.in_, done=row.done, filtered=row.filtered, failed=row.failed, skipped=row.skipped),
            is_covering=bool(row.uncovered),
            opened=row.pass_,
        )

    def exceeds(self, tolerances: Mapping[str, str | None]) -> bool:
        """Whether more items failed than `failures.tolerate` of the stage allows; None: the default.

        For a source, and for a stage whose tolerance is unknown, whether all items failed.
        """
        if self.is_source or self.name not in tolerances:
            return has_only_failures(self.totals)
        return over_tolerance(tolerances[self.name], self.totals)


def decide_state(
    entries: Sequence[StoredProgress], tolerances: Mapping[str, str | None]
) -> tuple[DecidedState, list[str]]:
    """Return the state of a pipeline, or of some of its sources and stages, and the names of those that cause it.

    `tolerances` maps stages to `failures.tolerate`.
    """
    opened = [each for each in entries if each.opened]
    if working := [each.name for each in opened if each.opened and each.opened.is_worked_on]:
        return "working", working
    if opened:
        return "stopped", [each.name for each in opened]
    if failed := [each.name for each in entries if each.exceeds(tolerances)]:
        return "failed", failed
    if not any(each.segments for each in entries):
        return "empty", []
    behind = [each.name for each in entries if each.is_covering or not (each.segments or each.is_source)]
    return ("behind", behind) if behind else ("complete", [])
