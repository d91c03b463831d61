"""The state of a pipeline in one word and one sentence, derived from its store. Pure."""

from collections.abc import Mapping, Sequence

from reelmill.contract.commands.result_rows import CommandRow, StatusRow
from reelmill.contract.text.quantities import amount, count_of
from reelmill.contract.text.sentences import listed
from reelmill.contract.text.stored_progress import DecidedState, StoredProgress, decide_state


class RunVerdict(CommandRow):
    """The state in one word, and a sentence that explains it."""

    word: DecidedState
    sentence: str


def verdict(
    rows: Sequence[StatusRow], reads: Mapping[str, Sequence[str]], tolerances: Mapping[str, str | None]
) -> RunVerdict:
    """Return the state of a pipeline. `rows` are the rows of its status, `reads` maps stages to their upstreams, and
    `tolerances` maps stages to `failures.tolerate`.
    """
    word, names = decide_state([StoredProgress.of_row(row) for row in rows], tolerances)
    return RunVerdict(word=word, sentence=_sentence(word, names, rows, _totals_text(rows, reads)))


def failures_text(names: Sequence[str], rows: Sequence[StatusRow]) -> str:
    """`More items failed than tolerated: clips lost 3 of 4 items to failures.`"""
    losses = "; ".join(
        f"{row.name} lost {amount(row.failed)} of {count_of(row.in_, _unit(row))} to failures"
        for row in rows
        if row.name in names
    )
    return f"More items failed than tolerated: {losses}."


def _sentence(word: DecidedState, names: Sequence[str], rows: Sequence[StatusRow], totals: str) -> str:
    match word:
        case "working":
            return f"{totals} {listed([*names])} still {_works(names)}."
        case "stopped":
            return f"{totals} A pass of {listed([*names])} is open, but nothing works on it."
        case "failed":
            return f"{totals} {failures_text(names, rows)}"
        case "empty":
            was_listed = all(row.listed for row in rows if row.kind == "source")
            why = "The sources have no items" if was_listed else "No run has listed the sources"
            return f"{why}, so no stage has anything to do."
        case "behind":
            return f"{totals} {listed([*names])} {_has(names)} input to cover."
        case "complete":
            return totals


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


def _works(names: Sequence[str]) -> str:
    return "works" if len(names) == 1 else "work"


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
