"""`make bench-operator`: the operator under load on a real control plane with kwok nodes, compared with Argo Workflows.

`python tests/bench_operator [case ...] [--pipelines N] [--wide N] [--compare N] [--json FILE] [--page] [--counts]
[--remark TEXT]`. Cases: `many` (N pipelines of 5 stages, 2 shards each), `wide` (one pipeline of one stage, N shards),
`ours` and `argo` (N of the same DAGs on either), `small` (N pipelines of 5 stages, one shard each), `waves` (two stages
with work to do). Each case has a separate control plane. With `--page`, docs/benchmarks-operator.md and .json are
written, keeping the results of other cases. `--counts` also keeps the times: on a busy machine, only counts are
reliable.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import machine
from bench_operator import argo, ours, page, results, waves
from bench_operator.load import Load

DOCS = Path(__file__).parents[2] / "docs"
NAME = "benchmarks-operator"


def main() -> None:
    if not Path("/proc/self/stat").exists():
        sys.exit("the operator benchmark reads what a process cost from /proc, which this system has not: use Linux")
    parser = argparse.ArgumentParser(prog="python tests/bench_operator", description="Measure the operator under load.")
    parser.add_argument(
        "cases", nargs="*", metavar="case", help="some of: many, wide, ours, argo, small, waves; left out: all"
    )
    parser.add_argument("--pipelines", type=int, default=1000, metavar="N", help="of the case many (1000)")
    parser.add_argument("--wide", type=int, default=10_000, metavar="N", help="shards of the case wide (10000)")
    parser.add_argument("--compare", type=int, default=100, metavar="N", help="of the cases ours, argo and small (100)")
    parser.add_argument("--minutes", type=float, default=60, metavar="N", help="until a case is given up (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--page", action="store_true", help=f"write docs/{NAME}.md and .json")
    parser.add_argument("--counts", action="store_true", help="write counts only: the machine is busy")
    parser.add_argument("--remark", default="", help="a sentence for the page: what else ran on the machine")
    given = parser.parse_args()
    seconds = given.minutes * 60
    cases = {
        "many": lambda: ours.run(Load(given.pipelines, stages=5, shards=2), seconds),
        "wide": lambda: ours.run(Load(1, stages=1, shards=given.wide), seconds),
        "ours": lambda: ours.run(Load(given.compare, stages=5, shards=2), seconds),
        "argo": lambda: argo.run(Load(given.compare, stages=5, shards=2), seconds),
        "small": lambda: ours.run(Load(given.compare, stages=5, shards=1), seconds),
        "waves": lambda: waves.run(seconds),
    }
    if unknown := set(given.cases) - set(cases):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(cases)}")
    known = DOCS / f"{NAME}.json"
    result = json.loads(known.read_text()) if given.page and known.exists() else {"cases": {}}
    for case in given.cases or cases:
        before = machine.load()
        found = cases[case]()
        about = {
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "load average": f"{before} before, {machine.load()} after",
            "remark": given.remark,
        }
        told = {name: text for name, text in machine.describe().items() if name in page.MACHINE}
        result["cases"][case] = results.renewed(
            result["cases"].get(case, {}), found, about, told, counts_only=given.counts
        )
        print(page.text({case: result["cases"][case]}), file=sys.stderr, flush=True)
        if given.page:
            known.write_text(json.dumps(result, indent=1) + "\n")
            (DOCS / f"{NAME}.md").write_text(page.page(result))
    print(page.text(result["cases"]))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
