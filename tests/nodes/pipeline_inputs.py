"""Source media for the pipelines that run on nodes: real footage for the demo, small gameplay videos, plain films."""

import json
from collections.abc import Iterator

import footage
from demo.inputs import CORRUPT, SAMPLES
from demo.inputs import footage as real_footage

Objects = Iterator[tuple[str, bytes]]
SIZE = [round(0.01 * number, 2) for number in range(16)]
GONE = "gone-abcdefg"


def film(**more: object) -> bytes:
    """A small video."""
    small = {"seconds": 3.0, "fps": 12, "size": (96, 64), "audio": False, "options": ("-g", "6")}
    return footage.video(**{**small, **more}).read_bytes()  # type: ignore[arg-type]


def demo(folder: str) -> Objects:
    """URI and content of what the demo reads: captions and real videos, one of them cut off."""
    yield f"{folder}/captions.csv", (SAMPLES / "captions.csv").read_bytes()
    videos = {name: path.read_bytes() for name, path in real_footage().items()}
    videos[CORRUPT] = videos["bigbuckbunny.mp4"][: len(videos["bigbuckbunny.mp4"]) // 2]
    yield from ((f"{folder}/videos/{name}", data) for name, data in videos.items())


def clip4mc(folder: str, videos: int = 4) -> Objects:
    """CLIP4MC's metadata and videos; a caption leads to a video that is not there."""
    ids = [f"film{number}-abcde" for number in range(videos)]
    rows = [
        {"vid": vid, "transcript clip": f"{vid} at {begin}", "begin position": begin, "end position": begin + 1.0}
        for vid in (*ids, GONE)
        for begin in (0.0, 1.0, 2.0)
    ]
    yield f"{folder}/dataset_train.json", json.dumps([{**row, "size": SIZE} for row in rows]).encode()
    lines = [f"https://www.youtube.com/watch?v={vid},{vid}" for vid in ids]
    yield f"{folder}/info.csv", "\n".join(["url,filename", *lines, ""]).encode()
    yield from ((f"{folder}/videos/{vid}.mp4", film()) for vid in ids)
