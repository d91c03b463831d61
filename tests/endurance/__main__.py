"""`make endurance ARGS="..."`: long tests to run by hand. The latest results are in docs/endurance.md."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="make endurance ARGS=...", description="Tests that take an hour, by hand.")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice: the same seed draws the same (1)")
    what = parser.add_subparsers(dest="what", required=True)

    kills = what.add_parser("kills", help="kill -9 of runs on one machine; the end is that of an undisturbed run")
    kills.add_argument("--count", type=int, default=1000, metavar="N", help="processes to kill (1000)")
    kills.add_argument("--first", type=int, default=1, metavar="N", help="number of the first pipeline, to go on (1)")
    kills.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the folders of the pipelines there")

    crashes = what.add_parser("crashes", help="faults of the operator's requests; the end is as if there were none")
    crashes.add_argument("--count", type=int, default=10_000, metavar="N", help="crash points (10000)")
    crashes.add_argument("--first", type=int, default=1, metavar="N", help="number of the first case, to go on (1)")

    nemesis = what.add_parser("nemesis", help="faults of all kinds on nodes, while pipelines work; needs root")
    nemesis.add_argument("--minutes", type=float, default=20, metavar="N", help="how long (20)")

    soak = what.add_parser("soak", help="churn on a real API server; what the operator holds and writes stays flat")
    soak.add_argument("--minutes", type=float, default=60, metavar="N", help="how long (60)")
    soak.add_argument("--pipelines", type=int, default=24, metavar="N", help="that exist at a time (24)")
    soak.add_argument("--period", type=float, default=3.0, metavar="S", help="seconds between two changes (3)")
    soak.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between two samples (10)")

    scale = what.add_parser("scale", help="what planner, records and steps cost at growing sizes, with exponents")
    scale.add_argument("--shards", type=int, default=100_000, metavar="N", help="of a pass, at most (100000)")
    scale.add_argument("--items", type=int, default=100_000, metavar="N", help="of a stage, at most (100000)")

    decisions = what.add_parser("decisions", help="decisions over the whole data set: CPU, memory, a percent more")
    decisions.add_argument("--by", choices=["exact", "perceptual", "semantic"], default="exact", help="(exact)")
    decisions.add_argument("--count", type=int, default=10_000_000, metavar="N", help="signatures (10000000)")

    forgetting = what.add_parser("forget", help="what forgetting items costs at growing sizes, with exponents")
    forgetting.add_argument("--items", type=int, default=1_000_000, metavar="N", help="clips, at most (1000000)")

    listing = what.add_parser("list", help="what the dashboard's list of many pipelines costs")
    listing.add_argument("--pipelines", type=int, default=1000, metavar="N", help="in the store (1000)")
    differing = what.add_parser("diff", help="what the differences of two large data sets cost")
    differing.add_argument("--items", type=int, default=10_000_000, metavar="N", help="of each (10000000)")

    for name, told in {
        "pages": "what the dashboard's pages of a large data set cost",
        "report": "what the run report of a large data set costs, and its size",
    }.items():
        large = what.add_parser(name, help=told)
        large.add_argument("--items", type=int, default=1_000_000, metavar="N", help="of the data set (1000000)")
        large.add_argument("--folder", type=Path, metavar="FOLDER", help="keep the data set there, and use it again")

    given = parser.parse_args()
    if given.what == "kills":
        from endurance import kills as killing

        return killing.run(given.count, given.seed, given.first, given.keep)
    if given.what == "crashes":
        from endurance import crashes as crashing

        return crashing.run(given.count, given.seed, given.first)
    if given.what == "nemesis":
        from endurance import nemesis as disturbing

        return disturbing.run(given.minutes, given.seed)
    if given.what == "soak":
        from endurance import soak as soaking

        return soaking.run(given.minutes, given.pipelines, given.period, given.seed, given.every)
    if given.what == "scale":
        from endurance import scale as scaling

        return scaling.run(given.shards, given.items)
    if given.what == "decisions":
        from endurance import decisions as deciding

        return deciding.run(given.by, given.count)
    if given.what == "forget":
        from endurance import forgetting as taking_away

        return taking_away.run(given.items)
    if given.what == "list":
        from endurance import many_pipelines

        return many_pipelines.run(given.pipelines)
    if given.what == "diff":
        from endurance import differing as comparing

        return comparing.run(given.items)
    if given.what in ("pages", "report"):
        from endurance import large_data_set

        return large_data_set.run(given.what, given.items, given.folder)
    raise AssertionError(given.what)


if __name__ == "__main__":
    sys.exit(main())
