"""A fuzzing session of one target in a separate process, and its result."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.atheris_home import ATHERIS
from fuzz.corpus import folder
from fuzz.target import Target
from fuzz.targets.scratch import MEMORY
from torch_home import torch_home

_ENGINE = Path(__file__).with_name("engine.py")
_HANG = 60
"""Seconds of wall time after which an input that does not return from C code ends the run."""
_STATS = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+) ft: \d+(?: corp: (\d+))?")
_FOUND = re.compile(r"Test unit written to (.+)")
FINDING = "=== finding ==="
"""Marker before and after the traceback of a failing input."""
_HUNG = re.compile(r"ERROR: libFuzzer: .+")


@dataclass(frozen=True, slots=True)
class Session:
    """`branches` is the number in the instrumented modules, `inputs` the number that each reach new branches."""

    target: str
    executions: int
    seconds: int
    branches: int
    inputs: int
    resident: int
    """Peak memory of the process in MiB, including libraries and corpus."""
    finding: Path | None
    """The input for which the parser raised an undeclared error, or took too much."""
    said: str
    """The engine's output about it."""

    @property
    def reproduce(self) -> str:
        return f"make fuzz ARGS={shlex.quote(f'{self.target} --input {self.finding}')}"


def run(
    target: Target, grown: Path, findings: Path, *, runs: int | None, seconds: int | None, flags: Sequence[str] = ()
) -> Session:
    """Fuzz until the given number of executions or seconds, or a finding. New inputs are written to the folder `grown`.

    Raises Unavailable without atheris, or without torch for a target that needs it.
    """
    for place in (grown, findings):
        place.mkdir(parents=True, exist_ok=True)
    limits = [f"-runs={runs}"] * (runs is not None) + [f"-max_total_time={seconds}"] * (seconds is not None)
    command = [
        sys.executable, _ENGINE, target.name, *limits, f"-max_len={target.max_bytes}", f"-timeout={_HANG}",
        "-rss_limit_mb=0", "-report_slow_units=86400", "-print_final_stats=1", f"-artifact_prefix={findings}/",
        *flags, grown, folder(target.name),
    ]  # fmt: skip
    path = os.pathsep.join(
        [str(ATHERIS.find()), str(Path(__file__).parents[1]), *([str(torch_home())] if target.torch else [])]
    )
    with TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as temporary:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0", "TMPDIR": temporary},
        )
    output = done.stdout + done.stderr
    stats = {name: int(value) for name, value in _STATS.findall(output)}
    covered = _COVERED.findall(output)
    found = _FOUND.search(output)
    if done.returncode and not found:
        raise RuntimeError(f"the fuzzer of {target.name} ended with {done.returncode}:\n{output[-3000:]}")
    executions = stats.get("number_of_executed_units", 0)
    return Session(
        target=target.name,
        executions=executions,
        seconds=executions // max(1, stats.get("average_exec_per_sec", 1)),
        branches=int(covered[-1][0]) if covered else 0,
        inputs=max((int(inputs or 0) for _, inputs in covered), default=0),
        resident=stats.get("peak_rss_mb", 0),
        finding=Path(found[1]) if found else None,
        said=_reason(output) if found else "",
    )


def _reason(told: str) -> str:
    """The traceback of the error, or the engine's message."""
    _, _, traceback = told.partition(FINDING)
    if traceback:
        return traceback.partition(FINDING)[0].strip()
    hung = _HUNG.search(told)
    return hung[0] if hung else told[-2000:]
