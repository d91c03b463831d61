"""Cost of `reelmill diff` on two large data sets: CPU time and peak memory of a process, and disk space.

In the second data set, one in 100 items of the first has another text, one in 1,000 is missing, and as many are new.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from reelmill.contract.commands.diff_rows import State
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill_stages.commands.versions.diff import summary
from report.generated_store import GeneratedStore, item

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from peak_memory import peak_of

CHANGED, GONE = 100, 1000
STAGE = "clips"


def run(count: int) -> int:
    """Measure, and print a line."""
    with TemporaryDirectory() as folder:
        for side in ("before", "after"):
            made(folder, side).commit(STAGE, items(count, side), ledger(count, side))
        report_file = Path(folder) / "told"
        command = [sys.executable, "-m", "endurance.differing", folder, str(report_file)]
        peak = peak_of(command, PYTHONPATH=os.pathsep.join(sys.path))
        seconds, counts = json.loads(report_file.read_text())
    gone = -(-count // GONE)
    expected = {"gone": 2 * gone, "added": 2 * gone, "changed": -(-count // CHANGED) - gone}
    assert counts == expected, (counts, expected)
    print(f"{count:,} rows on each side: {seconds:.0f} CPU s, peak {peak / 2**20:.0f} MiB; {counts}")
    return 0


def made(folder: str, side: str) -> GeneratedStore:
    return GeneratedStore(Path(folder) / side, stages=(STAGE,))


def keys(count: int, side: str) -> Iterator[tuple[int, str]]:
    """Number and key of each item; missing ones are replaced by new ones."""
    for number in range(count):
        is_replaced = side == "after" and number % GONE == 0
        yield number, f"{'new' if is_replaced else 'v'}{number:08}"


def items(count: int, side: str) -> Iterator[Item]:
    for number, key in keys(count, side):
        word = "cats" if side == "after" and number % CHANGED == 0 else "dogs"
        yield item(key, size=number, duration=number % 7 + 0.5, text=f"two {word} run over the grass")


def ledger(count: int, side: str) -> Iterator[LedgerRow]:
    for number, key in keys(count, side):
        yield LedgerRow(key, number, Outcome.DONE, seconds=0.5)


def main(folder: str, told: str) -> None:
    before, after = ((made(folder, side).task, State()) for side in ("before", "after"))
    began = time.process_time()
    counts: dict[str, int] = {}
    for row in summary(before, after, {}, name=STAGE):
        counts[row.change] = counts.get(row.change, 0) + row.number
    Path(told).write_text(json.dumps([time.process_time() - began, counts]))


if __name__ == "__main__":
    main(*sys.argv[1:])
