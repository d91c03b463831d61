"""CLIP4MC's inputs in small: four videos, one of them missing, one broken; rows that cannot be clips among the rest."""

from pathlib import Path
from typing import Any

from workshop import CLIPS, SAMPLES, Workshop, film

COW, PIG, GONE, BROKEN = "cow12345678", "pig12345678", "gone1234567", "broken12345"
SIZE = [round(0.01 * n, 2) for n in range(16)]


def row(vid: str, begin: Any, end: Any, text: Any = "a caption", **more: Any) -> dict[str, Any]:
    """A row as the official files have it."""
    return {"vid": vid, "transcript clip": text, "begin position": begin, "end position": end, **more}


ROWS = [
    row(COW, 0.2, 1.1, "a cow", size=SIZE),
    row(COW, 0.5, 1.7, "the same cow, a little later", size=SIZE),
    row(COW, 1.0, 2.0, "and once more"),
    {"vid": PIG, "transcript": "a pig", "begin": 0, "end": 1},
    row(GONE, 0, 1),
    row(BROKEN, 0, 1),
    row(COW, None, 1),
    row(PIG, 2, 1),
]


def prepare(folder: Path) -> Workshop:
    """The pipeline, not run yet."""
    shop = Workshop(folder, name="clip4mc")
    shop.film("a cow.mp4", f"{PIG}.mp4")
    (shop.videos / f"{BROKEN}.mp4").write_bytes(film().read_bytes()[:900])
    shop.clip4mc(ROWS, {COW: "a cow", GONE: "gone.mp4"})
    shop.stages = [
        CLIPS | {"failures": {"tolerate": "50%"}},
        SAMPLES,
        {"name": "shards", "from": ["clips"], "pack": {"samplesPerTar": 3}},
        {"name": "listing", "index": {"check": "full"}},
    ]
    return shop
