"""`make bench`: run the benchmarks, print the table, and write the page.

`python tests/bench [script ...] [--json FILE] [--update] [--rounds N]`. With all scripts, docs/benchmarks.json and
docs/benchmarks.md are written; otherwise, or with --json, only the named file. With --update, the rows of the named
scripts replace those of the same benches in both, with the date of their run. Rows are printed when they are done.
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import films, machine, table
from bench.gather import SCRIPTS, gather
from bench.row import ROUNDS

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/bench", description="Measure reelmill beside its peers.")
    parser.add_argument("rows", nargs="*", metavar="row", help=f"some of: {', '.join(SCRIPTS)}; left out: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"times each is measured ({ROUNDS})")
    parser.add_argument("--update", action="store_true", help="replace the rows of these scripts on the page")
    parser.add_argument("--remark", default="", help="a sentence for the page: what else ran on the machine")
    given = parser.parse_args()
    if unknown := set(given.rows) - set(SCRIPTS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(SCRIPTS)}")
    if given.rounds < 1:
        parser.error("--rounds is at least 1")
    # All programs use compiled modules, as from an installed package, regardless of this machine's settings.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(films.CACHE / "bytecode"))
    load, rows = machine.load(), []
    for script in given.rows or SCRIPTS:
        for row in gather(script, given.rounds):
            rows.append(row)
            print(table.text([row]).splitlines()[1], file=sys.stderr, flush=True)
    command = "make bench" if given.rounds == ROUNDS and not given.rows else f"python tests/bench {_words(given)}"
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": command,
        "load": f"{load} before, {machine.load()} after",
        "remark": given.remark,
        "machine": machine.describe(),
        "rows": [row.to_json() for row in rows],
    }
    print(table.text(rows), end="")
    if given.update:
        result = table.updated(json.loads((DOCS / "benchmarks.json").read_text()), result)
        given.json = DOCS / "benchmarks.json"
    target = given.json or (None if given.rows else DOCS / "benchmarks.json")
    if target:
        target.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if target == DOCS / "benchmarks.json":
        (DOCS / "benchmarks.md").write_text(table.page(result))


def _words(given: argparse.Namespace) -> str:
    return " ".join([*given.rows, f"--rounds {given.rounds}"])


if __name__ == "__main__":
    main()
