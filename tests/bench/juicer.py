"""`measure` beside the video filters of data-juicer on the same clips, at 2 frames a second.

data-juicer measures duration, size, aspect ratio and motion, of which motion takes nearly all of the time; reelmill all
of its measures of pictures and motion. Its environment has the core of the package, without the extras that bring
torch, and the PyAV that its extra pins: with a newer one its readers of videos do not close. CPU seconds of its
operators alone count, without imports.
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
    """CPU seconds of its operators. Raises NotRun where they fail."""
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
