"""One line of the benchmark: what was compared, how it came out, what it should be."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 5


class NotRun(Exception):
    """Why a row cannot be measured on this machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `peer` are medians in `unit`; `rounds` how often each was measured.

    `ratio` says how many times better ours is and should be at least `target`; with `at_most` it is a share that
    should not exceed it. `cpu_ratio` is the ratio of CPU seconds, where they say something: it is no verdict, but tells
    what other work on the machine did to `ratio`. A row with `not_run` was not measured and has no numbers.
    """

    bench: str
    case: str
    against: str = ""
    ours: float | None = None
    peer: float | None = None
    unit: str = "s"
    ratio: float | None = None
    cpu_ratio: float | None = None
    target: float | None = None
    at_most: bool = False
    rounds: tuple[int, int] = (0, 0)
    not_run: str = ""
    date: str = ""
    """The day of its run, where that is another one than the page's."""

    @property
    def met(self) -> bool:
        if self.ratio is None or self.target is None:
            return False
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target

    @property
    def verdict(self) -> str:
        """`hit`, `MISS` or `not run`."""
        return "not run" if self.not_run else "hit" if self.met else "MISS"

    def to_json(self) -> dict[str, Any]:
        row = {name: value for name, value in asdict(self).items() if value not in (None, "", False)}
        if self.not_run:
            return {name: row[name] for name in ("bench", "case", "against", "not_run") if name in row}
        return {**row, "rounds": list(self.rounds)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Row":
        return cls(**{**row, "rounds": tuple(row.get("rounds", (0, 0)))})


def emit(row: Row) -> None:
    """Print the row for whoever gathers them; numbers to the digits that mean something."""
    values = row.to_json()
    for name in ("ours", "peer", "ratio", "cpu_ratio"):
        if name in values:
            values[name] = rounded(values[name])
    print(json.dumps(values), flush=True)


def rounded(value: float) -> float:
    """Three digits, or the whole part of more."""
    return float(f"{value:.3g}") if abs(value) < 1000 else round(value)


def begin(main: Callable[[int], None], bench: str) -> None:
    """Run a script of rows. What cannot be measured here becomes a row that says why."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    try:
        main(rounds)
    except NotRun as reason:
        emit(Row(bench, "all", not_run=str(reason)))
