"""Cutting clips, beside ffmpeg: copied packets against libx264 veryfast, our encoding against bare ffmpeg.

Prints one JSON line a row. All run on one core, in turns; the ratio is of the medians. The encoder that copying is
compared with takes a minute a round, so it runs once; everything else runs five times.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import footage
from reelmill.contract.record import Item, Media
from reelmill_stages.media import ffmpeg
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input

ROUNDS = 5
SECONDS = 60
FILM = f"testsrc2=size=1280x720:rate=30:duration={SECONDS},noise=alls=12:allf=t"
SPANS = ((0.5, 12.0), (9.0, 19.0), (20.3, 30.3), (31.0, 43.0), (40.7, 48.2), (50.1, 59.6))
ONE = ((20.3, 26.3),)
ENCODER = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac", "-b:a", "128k")


class Desk:
    """What a worker lends: the video is here already."""

    gpu = None

    def __init__(self, folder: Path) -> None:
        self.scratch = folder

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


def film(gop: int) -> Path:
    """A minute of 720p with noise and sound, made once."""
    path = footage.CACHE / f"bench-clip-{SECONDS}s-720p-gop{gop}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".making.mp4")
        sound = f"sine=frequency=440:duration={SECONDS}"
        footage.ffmpeg(
            "-f", "lavfi", "-i", FILM, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "fast", "-b:v", "2M",
            "-g", str(gop), "-pix_fmt", "yuv420p", "-c:a", "aac", str(made),
        )  # fmt: skip
        made.replace(path)
    return path


def ours(path: Path, spans: tuple[tuple[float, float], ...], mode: str) -> None:
    """All clips of the video, as a worker of the stage makes and verifies them."""
    with tempfile.TemporaryDirectory() as folder:
        media = Media(str(path), path.stat().st_size)
        inputs = [
            Input(Item(f"{n}", n, "v", end - start, media, fields={"vid": "v", "start": start, "end": end}), n)
            for n, (start, end) in enumerate(spans)
        ]
        clip = stage("clip", {"mode": mode, "preset": "veryfast", "crf": 23})
        results = clip.process(inputs, Desk(Path(folder)))
        if not all(isinstance(result, Done) for result in results):
            raise TypeError(results)


def bare(path: Path, spans: tuple[tuple[float, float], ...]) -> None:
    """One ffmpeg a clip, as one would type it."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (start, end) in enumerate(spans):
            subprocess.run(
                [
                    ffmpeg.binary().path, "-nostdin", "-loglevel", "error", "-threads", "1", "-ss", str(start),
                    "-t", str(end - start), "-i", str(path), *ENCODER, "-threads", "1", "-pix_fmt", "yuv420p",
                    str(Path(folder) / f"{number}.mp4"),
                ],
                check=True,
            )  # fmt: skip


def timed(work: Callable[..., None], *args: object) -> float:
    begun = time.perf_counter()
    work(*args)
    return time.perf_counter() - begun


def row(case: str, us: list[float], them: list[float], target: float, **more: object) -> None:
    mine, theirs = statistics.median(us), statistics.median(them)
    values = {
        "ratio": round(theirs / mine, 2),
        "target": target,
        "ours_s": round(mine, 4),
        "theirs_s": round(theirs, 3),
    }
    print(json.dumps({"bench": "clip", "case": case, **values, "rounds": [len(us), len(them)], **more}), flush=True)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for gop in (250, 48):
        path = film(gop)
        ours(path, SPANS, "copy")
        copied = [timed(ours, path, SPANS, "copy") for _ in range(ROUNDS // 2)]
        encoded = [timed(bare, path, SPANS)]
        copied += [timed(ours, path, SPANS, "copy") for _ in range(ROUNDS - len(copied))]
        row(f"clip, copy, 720p GOP {gop}", copied, encoded, 100, against="libx264 veryfast crf 23", clips=len(SPANS))
    mine, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(timed(bare, film(250), ONE))
        mine.append(timed(ours, film(250), ONE, "reencode"))
    row("clip, re-encode, 720p GOP 250", mine, theirs, 0.95, against="bare ffmpeg, same settings", clips=1)


if __name__ == "__main__":
    if shutil.disk_usage(tempfile.gettempdir()).free < 1 << 30:
        raise SystemExit("the benchmark needs 1 GiB of temporary space")
    main()
