"""Benchmark of cutting clips, against ffmpeg: copied packets against libx264 veryfast, encoding against ffmpeg.

The encoder that copying is compared with takes a minute per round, so it runs once.
"""

import subprocess
import tempfile
from functools import partial
from pathlib import Path

from bench import films
from bench.row import Row, begin, emit
from bench.timing import Times, in_turns, one_core
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.media.ffmpeg import binary
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input
from worker_desk import Desk

SPANS = ((0.5, 12.0), (9.0, 19.0), (20.3, 30.3), (31.0, 43.0), (40.7, 48.2), (50.1, 59.6))
ONE = ((20.3, 26.3),)
ENCODER = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac", "-b:a", "128k")

Spans = tuple[tuple[float, float], ...]


def ours(path: Path, spans: Spans, mode: str) -> None:
    """Cut all clips of the video as a worker of the stage does, including verification."""
    with tempfile.TemporaryDirectory() as folder:
        media = Media(str(path), path.stat().st_size)
        inputs = [
            Input(Item(f"{n}", n, "v", end - start, media, fields={"vid": "v", "start": start, "end": end}), n)
            for n, (start, end) in enumerate(spans)
        ]
        clip = stage("clip", {"mode": mode, "preset": "veryfast", "crf": 23})
        results = clip.process(inputs, Desk(Path(folder)))
        assert all(isinstance(result, Done) for result in results), results


def bare(path: Path, spans: Spans) -> None:
    """Cut each clip with one ffmpeg command."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (start, end) in enumerate(spans):
            subprocess.run(
                [
                    binary().path, "-nostdin", "-loglevel", "error", "-threads", "1", "-ss", str(start),
                    "-t", str(end - start), "-i", str(path), *ENCODER, "-threads", "1", "-pix_fmt", "yuv420p",
                    str(Path(folder) / f"{number}.mp4"),
                ],
                check=True,
            )  # fmt: skip


def row(case: str, against: str, target: float, times: Times) -> None:
    emit(Row("clip", case, against, *times.medians, "s", times.ratio, times.cpu_ratio, target, rounds=times.rounds))


def main(rounds: int) -> None:
    case = "720p GOP 250"
    films_of = {name: films.film(name, sound=True) for name in (case, "720p GOP 48")}
    one_core()
    for name, path in films_of.items():
        copied, encoded = partial(ours, path, SPANS, "copy"), partial(bare, path, SPANS)
        times = in_turns(copied, encoded, rounds, peer_rounds=1)
        row(f"copy, {len(SPANS)} clips, {name}", "ffmpeg, libx264 veryfast crf 23, a process a clip", 100, times)
    path = films_of[case]
    encoded = partial(ours, path, ONE, "reencode")
    times = in_turns(encoded, partial(bare, path, ONE), rounds, warm=False)
    row(f"re-encode, 1 clip of 6 s, {case}", "bare ffmpeg, the same settings", 0.95, times)


if __name__ == "__main__":
    begin(main, "clip")
