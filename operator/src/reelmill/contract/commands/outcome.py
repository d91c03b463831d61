"""The state of a pipeline in one word and one sentence, derived from its store. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

from reelmill.contract.commands.result_rows import CommandRow, StatusRow
from reelmill.contract.records.segment import Counts
from reelmill.contract.task_parts.tolerance import has_only_failures, over_tolerance
from reelmill.contract.text.quantities import amount, count_of

Word = Literal["empty", "complete", "failed", "working", "behind"]


class RunVerdict(CommandRow):
    """The state in one word, and a sentence that explains it."""

    word: Word
    sentence: str


def verdict(
    rows: Sequence[StatusRow], reads: Mapping[str, Sequence[str]], tolerances: Mapping[str, str | None]
) -> RunVerdict:
    """Return the state of a pipeline. `rows` are the rows of its status, `reads` maps stages to their upstreams, and
    `tolerances` maps stages to `failures.tolerate`.
    """
    totals = _totals_text(rows, reads)
    over_limit = [row for row in rows if _is_over(row, tolerances)]
    opened = [row for row in rows if row.state == "working"]
    behind = [row for row in rows if row.state == "behind" or (row.kind == "stage" and row.state == "empty")]
    sources = [row for row in rows if row.kind == "source"]
    if opened:
        return RunVerdict(word="working", sentence=f"{totals} {_listed(opened)} still {_works(opened)}.")
    if over_limit:
        losses = "; ".join(
            f"{row.name} lost {amount(row.failed)} of {count_of(row.in_, _unit(row))} to failures" for row in over_limit
        )
        return RunVerdict(word="failed", sentence=f"{totals} More items failed than tolerated: {losses}.")
    if all(row.in_ == 0 for row in sources):
        why = "The sources have no items" if all(row.listed for row in sources) else "No run has listed the sources"
        return RunVerdict(word="empty", sentence=f"{why}, so no stage has anything to do.")
    if behind:
        return RunVerdict(word="behind", sentence=f"{totals} {_listed(behind)} {_has(behind)} input to cover.")
    return RunVerdict(word="complete", sentence=totals)


def _is_over(row: StatusRow, tolerances: Mapping[str, str | None]) -> bool:
    if row.kind == "source":
        return has_only_failures(_counts(row))
    return row.name in tolerances and over_tolerance(tolerances[row.name], _counts(row))


def _unit(row: StatusRow) -> str:
    return "row" if row.kind == "source" else "item"


def _totals_text(rows: Sequence[StatusRow], reads: Mapping[str, Sequence[str]]) -> str:
    """`6 items were listed; pictures made 13, tars made 3; on the way, 57 filtered, 1 failed.`"""
    listed = sum(row.in_ for row in rows if row.kind == "source")
    ends = [row for row in rows if row.kind == "stage" and row.state != "empty"]
    read = {name for row in ends for name in reads.get(row.name, ())}
    made = [f"{row.name} made {amount(row.items)}" for row in ends if row.name not in read]
    lost = [f"{amount(count)} {word}" for word in ("filtered", "failed", "skipped") if (count := _total(rows, word))]
    parts = [
        f"{count_of(listed, 'item')} {'was' if listed == 1 else 'were'} listed",
        *([", ".join(made)] if made else []),
    ]
    losses = f"on the way, {', '.join(lost)}" if lost else "nothing was lost"
    return f"{'; '.join([*parts, losses])}."


def _total(rows: Sequence[StatusRow], word: str) -> int:
    return sum(int(getattr(row, word)) for row in rows)


def _counts(row: StatusRow) -> Counts:
    return Counts(in_=row.in_, done=row.done, filtered=row.filtered, failed=row.failed, skipped=row.skipped)


def _listed(rows: Sequence[StatusRow]) -> str:
    names = [row.name for row in rows]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _works(rows: Sequence[StatusRow]) -> str:
    return "works" if len(rows) == 1 else "work"


def _has(rows: Sequence[StatusRow]) -> str:
    return "has" if len(rows) == 1 else "have"
