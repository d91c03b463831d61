"""Explanation of a pipeline's state from its store alone, for files and stores without a cluster. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelmill.contract.commands.outcome import failures_text
from reelmill.contract.commands.result_rows import OpenPassRow, StatusRow
from reelmill.contract.text.quantities import amount, count_of, time
from reelmill.contract.text.sentences import advice, failures, listed
from reelmill.contract.text.stored_progress import DecidedState, StoredProgress, decide_state


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state, and sentences about its cause and about losses."""

    state: DecidedState
    cause: str
    losses: str

    @property
    def why(self) -> str:
        """The state and its explanation as one paragraph."""
        return f"{self.cause} {self.losses}".strip()


def stored_state(
    rows: Sequence[StatusRow], tolerances: Mapping[str, str | None], file: str = "PIPELINE"
) -> StoredState:
    """The state of all sources and stages of a pipeline, or of one. `tolerances` maps stages to `failures.tolerate`;
    `file` is the pipeline's in commands.
    """
    state, names = decide_state([StoredProgress.of_row(row) for row in rows], tolerances)
    return StoredState(state, _cause(state, names, rows), _losses(rows, file))


def _cause(state: DecidedState, names: Sequence[str], rows: Sequence[StatusRow]) -> str:
    opened = [(row.name, row.pass_) for row in rows if row.pass_ and row.name in names]
    changed = [row.name for row in rows if row.latest and not row.segments]
    again = f" The definition of {listed(changed)} has changed since the last data set." if changed else ""
    match state:
        case "working":
            return " ".join(["Nothing is wrong:", *(f"{name} {_progress_text(each)}." for name, each in opened)])
        case "stopped":
            name, first = opened[0]
            return f"Nobody works on {name}: it {_progress_text(first)}. The next run continues that pass."
        case "failed":
            rest = "Later stages process nothing more until a retry succeeds or `failures.tolerate` is raised."
            return f"{failures_text(names, rows)} {rest}{again}"
        case "empty":
            return f"{_reason_of_no_data(rows)}{again}"
        case "behind":
            has, its = ("has", "its") if len(names) == 1 else ("have", "their")
            new = sorted({name for row in rows for name in row.uncovered})
            left = f": there are new items of {listed(new)}" if new else ""
            return f"{listed([*names])} {has} not processed all of {its} inputs{left}. The next run does.{again}"
        case "complete":
            return "Every input that was listed is processed."


def _reason_of_no_data(rows: Sequence[StatusRow]) -> str:
    """Why nothing is committed: no run has got that far, listing the sources failed, or they had no items."""
    sources = [row for row in rows if row.kind == "source"]
    if not sources or not all(row.listed for row in sources):
        return "Nothing is committed yet."
    names = listed([row.name for row in sources])
    return (
        f"Nothing is committed: a run has started, but found no items in {names}. "
        "If it reported no error, check the address and patterns there."
    )


def _progress_text(opened: OpenPassRow) -> str:
    done = f"has committed {amount(opened.committed)} of {count_of(opened.shards, 'shard')} of segment {opened.segment}"
    if opened.seconds_ago is None:
        return f"{done}, and there was no heartbeat"
    if opened.ended:
        return f"{done}, and the run that did has ended"
    return f"{done}, and the last heartbeat was {time(opened.seconds_ago)} ago"


def _losses(rows: Sequence[StatusRow], file: str) -> str:
    losses = [f"{row.name}{failures(row.failed, row.reasons)}" for row in rows if row.failed]
    if not losses:
        return ""
    sentences = ["Failed items:", f"{'; '.join(losses)}.", f"`reelmill ledger {file} --outcome failed` lists them."]
    return " ".join([*sentences, advice(row.reasons for row in rows)]).strip()
