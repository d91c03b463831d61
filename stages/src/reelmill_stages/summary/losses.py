"""The inputs that a source or stage did not keep, by reason, with some examples of each."""

from collections.abc import Iterable, Iterator

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.summary import LossExample, LossGroup
from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.text.redaction import redacted
from reelmill_stages.summary.hash_sample import Picks

MESSAGE = 300
"""Longest message of an example, in characters."""


def losses(row: FunnelRow, ledger: Iterable[LedgerRow], examples: int) -> list[LossGroup]:
    """The losses of the row, with at most `examples` of each.

    The examples are from the effective ledger, which is read only if there are losses.
    """
    picks: dict[tuple[str, str], Picks[str]] = {(loss.outcome, loss.reason): Picks(examples) for loss in row.lost}
    if picks:
        for entry in ledger:
            if entry.outcome is not Outcome.DONE and (group := picks.get((entry.outcome.value, entry.reason))):
                group.add(entry.key, entry.message)
    return [
        LossGroup(
            name=row.name,
            outcome=loss.outcome,
            reason=loss.reason,
            items=loss.items,
            seconds=loss.seconds,
            bytes=loss.bytes,
            examples=[
                LossExample(key=key, message=message if len(message) <= MESSAGE else f"{message[: MESSAGE - 1]}…")
                for key, message in _public(picks[loss.outcome, loss.reason])
            ],
        )
        for loss in row.lost
    ]


def _public(picked: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Messages with anything that looks like a credential removed: reports and cards are shared."""
    return ((key, redacted(message)) for key, message in picked)
