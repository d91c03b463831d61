"""One row of the benchmark: the comparison, its result and its target."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 5


class NotRun(Exception):
    """A row cannot be measured on this machine; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `peer` are medians in `unit`; `rounds` is the number of measurements of each.

    `ratio` is how many times better reelmill is and should be at least `target`; with `at_most`, it is a share that
    should not exceed it. `cpu_ratio` is the ratio of CPU seconds, if meaningful; it is not judged, but shows the effect
    of other work on the machine on `ratio`. A row with `not_run` was not measured and has no numbers.
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
    """Date of its run, if it differs from that of the page."""

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
    """Print the row as JSON, with numbers rounded to significant digits."""
    values = row.to_json()
    for name in ("ours", "peer", "ratio", "cpu_ratio"):
        if name in values:
            values[name] = rounded(values[name])
    print(json.dumps(values), flush=True)


def rounded(value: float) -> float:
    """Round to three digits, or to an integer for larger numbers."""
    return float(f"{value:.3g}") if abs(value) < 1000 else round(value)


def begin(main: Callable[[int], None], bench: str) -> None:
    """Run a script of rows. If a measurement is not possible here, the row contains the reason."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    try:
        main(rounds)
    except NotRun as reason:
        emit(Row(bench, "all", not_run=str(reason)))
