"""`make prove-gpu ARGS="…"`: every part in a process of its own, one table, and one file of JSON.

Exit status: 1 if a case failed, or if REELMILL_REQUIRE names `gpu` and a part was skipped that the command line did not
leave out; otherwise 0.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from prove_gpu.case import Case, Outcome, failed, skipped
from prove_gpu.parts import BUDGET, PARTS, Part, environment, lacking

FILE = Path("build/prove-gpu.json")
LEFT_OUT = "left out by --skip"


def main(words: Sequence[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make prove-gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--skip", action="append", default=[], metavar="PART", help="leave out a part; may be repeated")
    parser.add_argument("--json", type=Path, default=FILE, metavar="FILE", help=f"where the results go ({FILE})")
    parser.add_argument("--list", action="store_true", help="say which parts there are")
    given = parser.parse_args(words)
    left_out = {name for words in given.skip for name in words.split(",")}
    if unknown := left_out - {part.name for part in PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(part.name for part in PARTS)}")
    if given.list:
        print("\n".join(f"{part.name:<12}{part.shows}" for part in PARTS))
        return 0
    began, cases, seconds = time.monotonic(), [], {}
    for part in PARTS:
        started = time.monotonic()
        why = LEFT_OUT if part.name in left_out else lacking(part)
        found = [skipped(part.name, "all", why)] if why else run_part(part, BUDGET - (started - began))
        for case in found:
            cases.append(case)
            print(f"{case.outcome:<8}{case.part:<12}{case.case:<24}{case.why}".rstrip(), flush=True)
        seconds[part.name] = round(time.monotonic() - started, 1)
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine.describe(),
        "parts": {part.name: {"outcome": _outcome(part, cases), "seconds": seconds[part.name]} for part in PARTS},
        "cases": [case.to_json() for case in cases],
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    count = {outcome: sum(case.outcome is outcome for case in cases) for outcome in Outcome}
    print(f"{', '.join(f'{number} {outcome}' for outcome, number in count.items())}; {given.json}")
    missed = [case for case in cases if case.outcome is Outcome.SKIPPED and case.case == "all" and case.why != LEFT_OUT]
    required = "gpu" in os.environ.get("REELMILL_REQUIRE", "").split(",")
    return int(count[Outcome.FAILED] > 0 or (required and bool(missed)))


def run_part(part: Part, left: float) -> Iterator[Case]:
    """The cases of a part as they come; one that breaks off, or takes too long, ends with a case that failed."""
    if left <= 0:
        yield skipped(part.name, "all", f"the other parts took all of the {BUDGET:.0f} s")
        return
    with tempfile.TemporaryDirectory(prefix="prove-gpu-") as folder, tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "prove_gpu.one_part", part.name, folder]
        limit, late = min(part.seconds, left), threading.Event()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(part)
        ) as process:

            def stop() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(limit, stop)
            timer.start()
            for line in process.stdout or ():
                if line.startswith("{"):
                    yield Case.from_json(line)
            process.wait()
            timer.cancel()
        if process.returncode:
            errors.seek(0)
            said = [line for line in errors.read().splitlines() if line.strip()] or ["no message"]
            why = (
                f"not done after {limit:.0f} s"
                if late.is_set()
                else f"ended with {process.returncode}: {said[-1][:300]}"
            )
            yield failed(part.name, "the rest", why)


def _outcome(part: Part, cases: Sequence[Case]) -> Outcome:
    found = {case.outcome for case in cases if case.part == part.name}
    return next((one for one in (Outcome.FAILED, Outcome.PASSED) if one in found), Outcome.SKIPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
