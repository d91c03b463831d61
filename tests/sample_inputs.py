"""Small inputs for every sample manifest, which their sources read below `s3://raw/`. Add inputs of new samples here.

They are used to run samples to their end, on one machine and on nodes.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import footage
import multiview_set
from tokens.models import sentencepiece_model

FILMS = {
    "a.mp4": ("testsrc2=size=320x240:rate=12:duration=3",),
    "b-copy-of-a.mp4": ("testsrc2=size=320x240:rate=12:duration=3,scale=240:180", "-crf", "30"),
    "dark.mp4": ("testsrc2=size=320x240:rate=12:duration=3,lutyuv=y=val/40+14",),
    "static.mp4": ("smptebars=size=320x240:rate=12:duration=3",),
    "other.mp4": ("mandelbrot=size=320x240:rate=12,trim=duration=3",),
}
"""For each stage of the curation sample, a film for that stage: an FFmpeg source, and options."""


def films() -> Iterator[tuple[str, bytes]]:
    """Name and content of these films."""
    for name, (picture, *options) in FILMS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            footage.ffmpeg("-f", "lavfi", "-i", picture, *options, "-pix_fmt", "yuv420p", str(path))
            yield name, path.read_bytes()


def raw() -> Iterator[tuple[str, bytes]]:
    """Key in the bucket `raw`, and content."""
    video = footage.video(seconds=3.0, size=(128, 96), options=("-g", "12")).read_bytes()
    spans = [
        {"vid": "abcdefghijk", "transcript clip": f"clip {n}", "begin position": n, "end position": n + 1}
        for n in (0, 1)
    ]
    yield "dataset_train.json", json.dumps([{**span, "size": [0.5] * 16} for span in spans]).encode()
    yield "info.csv", b"url,filename\nhttps://www.youtube.com/watch?v=abcdefghijk,mine.mp4\n"
    yield "videos/mine.mp4", video
    yield "webvid_train.json", json.dumps({"image": {"0": "00/1.mp4"}, "value": {"0": "a test picture"}}).encode()
    yield "webvid/00/1.mp4", video
    yield "videos/00/1.mp4", video
    yield "multimodal_tokenizer.model", sentencepiece_model()
    yield "films/a.mkv", footage.video(seconds=3.0, size=(128, 96), container="mkv").read_bytes()
    yield from (("drive/" + key, data) for key, data in _drive())


def _drive() -> Iterator[tuple[str, bytes]]:
    """One person in two environments, by three cameras."""
    with tempfile.TemporaryDirectory() as temporary:
        root = multiview_set.put_all(Path(temporary))
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            yield path.relative_to(root).as_posix(), path.read_bytes()
