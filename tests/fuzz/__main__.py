"""`make fuzz`: every parser of foreign bytes and of our own records under a coverage-guided fuzzer.

    make fuzz                                         20 s each
    make fuzz ARGS="tar separated --runs 1000000"     so many executions of two targets
    make fuzz ARGS="tar --input FILE"                 one input again

An input that takes more than 4 s of CPU time or 512 MiB, or raises anything but the declared errors of its parser, is
a finding: it is kept, printed with the command that reproduces it, and the exit status is 1.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz.catalogue import TARGETS
from fuzz.corpus import add
from fuzz.limits import timed
from fuzz.minimise import smallest
from fuzz.session import Session, run
from tools.cache import CACHE

SECONDS = 20


def main() -> int:
    options = argparse.ArgumentParser(prog="make fuzz", description=__doc__.split("\n\n")[0])  # type: ignore[union-attr]
    options.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; by default, all")
    options.add_argument("--runs", type=int, help="executions of each target")
    options.add_argument("--seconds", type=int, help=f"for each target; {SECONDS} by default, without --runs")
    options.add_argument("--jobs", type=int, default=1, help="targets at a time")
    options.add_argument("--seed", type=int, default=0, help="0, the default: another one each time")
    options.add_argument("--folder", type=Path, default=CACHE / "fuzz", help="for new inputs and findings")
    options.add_argument("--input", type=Path, help="run this one input and nothing else")
    options.add_argument("--minimise", action="store_true", help="add the smallest form of --input to the corpus")
    given = options.parse_args()
    if unknown := sorted(set(given.targets) - TARGETS.keys()):
        options.error(f"no target is called {unknown[0]!r}; there are {', '.join(TARGETS)}")
    chosen = [TARGETS[name] for name in given.targets or TARGETS]
    if given.input:
        (target,) = chosen
        data = given.input.read_bytes()
        if given.minimise:
            print(add(target.name, smallest(target.load(), data)))
        else:
            parse = target.load()
            parse(b"")
            with timed():
                parse(data)
            print("no error")
        return 0
    seconds = given.seconds if given.runs or given.seconds else SECONDS

    def one(target):  # type: ignore[no-untyped-def]
        grown, findings = (given.folder / kind / target.name for kind in ("corpus", "findings"))
        return run(target, grown, findings, runs=given.runs, seconds=seconds, flags=[f"-seed={given.seed}"])

    print(f"{'target':20} {'executions':>12} {'per s':>8} {'branches':>9} {'inputs':>7} {'MiB':>5}")
    found = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for session in pool.map(one, chosen):
            _show(session)
            found += session.finding is not None
    print(f"{found} findings in {given.folder / 'findings'}" if found else "no finding")
    return int(found > 0)


def _show(session: Session) -> None:
    speed = session.executions // max(1, session.seconds)
    print(
        f"{session.target:20} {session.executions:12,} {speed:8,} {session.branches:9,} {session.inputs:7,} "
        f"{session.resident:5,}",
        flush=True,
    )
    if session.finding is not None:
        print(f"  {session.finding}\n  again: {session.reproduce}\n{session.said}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
