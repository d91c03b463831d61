"""Benchmark of `measure` against the video filters of data-juicer on the same clips, at 2 fps.

data-juicer measures duration, size, aspect ratio and motion, which takes nearly all of the time; reelmill computes all
its measures of pictures and motion. data-juicer's environment has the core package, without the extras that require
torch, and the PyAV version that its extra pins: with a newer one, its video readers do not close. Only the CPU seconds
of its operators count, without imports.
"""

import json
import subprocess
from pathlib import Path

from bench import films, peer_env
from bench.measures import TECHNICAL, Ours
from bench.row import NotRun, Row, begin, emit
from bench.timing import cpu_seconds, one_core

JOB = Path(__file__).with_name("juicer_job.py")
CASES = ("720p GOP 48",)
SIDE = "90"
"""Shorter side of the pictures whose flow it computes: that of reelmill's small copy."""


def theirs(python: Path, video: Path) -> float:
    """CPU seconds of its operators. Raises NotRun if they fail."""
    done = subprocess.run([python, JOB, video, SIDE], capture_output=True, text=True)
    if done.returncode:
        raise NotRun(f"data-juicer: {(done.stderr.strip().splitlines() or ['no message'])[-1][:200]}")
    return float(json.loads(done.stdout.splitlines()[-1])["cpu"])


def main(rounds: int) -> None:
    python = peer_env.python("juicer", "data_juicer")
    one_core()
    for case in CASES:
        video = films.clip(case)
        ours = Ours(video, **TECHNICAL)
        ours()
        spent = []
        for _ in range(rounds):
            before = cpu_seconds()
            ours()
            spent.append(cpu_seconds() - before)
        mine, peer = sorted(spent)[rounds // 2], theirs(python, video)
        values = (mine, peer, "s CPU", peer / mine, None, 1.0)
        emit(Row("juicer", f"measures of pictures and motion, {case}", "data-juicer", *values, rounds=(rounds, 1)))


if __name__ == "__main__":
    begin(main, "juicer")
