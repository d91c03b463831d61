"""The funnel of a pipeline: how many items, seconds and bytes each stage took in, kept, and dropped for which reason.

It is derived from the rows of `status`, which are derived from commits, so the three always agree. The terminal, JSON,
pictures and reports show these rows.
"""

from collections.abc import Sequence
from typing import Literal

from reelmill.contract.commands.result_rows import CommandRow, Number, StatusRow
from reelmill.contract.records.flow import Volume
from reelmill.contract.records.usage import Usage

Loss = Literal["filtered", "failed", "skipped"]


class FunnelLoss(CommandRow):
    """Inputs that a stage dropped for one reason."""

    outcome: Loss
    reason: str
    items: int
    seconds: Number | None
    """Seconds of video; None: unknown."""
    bytes: int | None
    """Bytes of files; None: unknown."""


class FunnelRow(CommandRow):
    """One source or stage. Seconds and bytes are None if commits do not contain them (version 0.1.0)."""

    name: str
    kind: Literal["source", "stage"]
    type: str
    items_in: int
    seconds_in: Number | None
    bytes_in: int | None
    items_kept: int
    """Number of inputs that are done."""
    seconds_kept: Number | None
    bytes_kept: int | None
    items_out: int
    """Number of output items of the stage."""
    seconds_out: Number | None
    bytes_out: int | None
    lost: list[FunnelLoss]
    """Dropped inputs by reason, those with the most items first."""
    worker_seconds: Number
    """Time spent by workers, in seconds."""
    written: int
    """Bytes of files that the stage wrote."""
    usage: Usage | None
    """Resources used by all closed passes; None if commits do not contain them (version 0.1.0)."""


def funnel(rows: Sequence[StatusRow]) -> list[FunnelRow]:
    """Return the funnel of a pipeline from the rows of its status, in the same order."""
    return [_funnel_row(row) for row in rows]


def _funnel_row(row: StatusRow) -> FunnelRow:
    flow = row.flow
    outcomes = flow.outcomes if flow else {}
    given, kept = (flow.given, outcomes.get("done", Volume())) if flow else (None, None)
    made = flow.made if flow else None
    losses = sorted(row.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return FunnelRow(
        name=row.name,
        kind=row.kind,
        type=row.type,
        items_in=row.in_,
        seconds_in=_seconds(given),
        bytes_in=_bytes(given),
        items_kept=row.done,
        seconds_kept=_seconds(kept),
        bytes_kept=_bytes(kept),
        items_out=row.items,
        seconds_out=_seconds(made),
        bytes_out=_bytes(made),
        lost=[_funnel_loss(name, items, outcomes.get(name)) for name, items in losses],
        worker_seconds=row.worker_seconds,
        written=row.written,
        usage=row.usage,
    )


def _funnel_loss(name: str, items: int, volume: Volume | None) -> FunnelLoss:
    outcome, _, reason = name.partition(":")
    return FunnelLoss.model_validate(
        {
            "outcome": outcome,
            "reason": reason,
            "items": items,
            "seconds": _seconds(volume),
            "bytes": _bytes(volume),
        }
    )


def _seconds(volume: Volume | None) -> float | None:
    """The seconds, unless no item has a known duration."""
    return None if volume is None or (volume.untimed and volume.untimed == volume.items) else volume.seconds


def _bytes(volume: Volume | None) -> int | None:
    return None if volume is None else volume.bytes
