"""A tiny driver-action data set in its original layout: three views, label files, ranges, keypoints, an index.

Frame i of every view shows the number i, and its keypoints are all i, so that tests can identify frames.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import footage
from reelmill.contract.records.rows import Media
from reelmill_stages.media.keypoints import file_name

VIEWS = ("front", "left", "right")
FOLDERS = {"night_high": "夜多い", "night_low": "夜少ない", "day_high": "昼多い", "day_low": "昼少ない"}
SIZE = (208, 112)
X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "12", "-bf", "2")
Action = tuple[int, int, str]


def film(frames: int = 60, **asked: Any) -> Path:
    """A video with this number of frames at 25 frames per second."""
    fps = asked.pop("fps", 25)
    given = {"size": SIZE, "options": X264, "audio": False, **asked}
    return footage.video(seconds=frames / fps, fps=fps, **given)


def put_views(root: Path, env: str = "night_high", person: str = "01", **lengths: int) -> dict[str, Path]:
    """Videos of 60 frames, or of as many as named by view."""
    folder = root / "videos" / person / FOLDERS.get(env, env)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {view: folder / f"{view}.mp4" for view in VIEWS}
    for view, path in paths.items():
        path.symlink_to(film(lengths.get(view, 60)))
    return paths


def timeline(*actions: Action) -> list[dict[str, Any]]:
    """`videoLabels` as the label tool writes them."""
    return [{"ranges": [{"start": start, "end": end}], "timelinelabels": [label]} for start, end, label in actions]


def annotation(*actions: Action, annotator: int = 1, at: str = "2026-02-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    return {"annotation_id": 7, "annotator": annotator, "updated_at": at, "videoLabels": timeline(*actions), **more}


def put_labels(root: Path, *annotations: Mapping[str, Any], env: str = "night_high", person: str = "01") -> Path:
    path = root / "label" / f"person_{person}_{env}_h265.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"annotations": list(annotations)}))
    return path


def range_row(start: int | None, end: int | None, *, env: str = "night_high", person: str = "01") -> dict[str, Any]:
    marks = {"start": start, "mid": None if start is None or end is None else (start + end) // 2, "end": end}
    labels = [
        {"ranges": [{"start": frame, "end": frame}], "timelinelabels": [name]}
        for name, frame in marks.items()
        if frame is not None
    ]
    return {"video": f"/data/upload/3/person_{person}_{env}_h265.mp4", "videoLabels": labels}


def put_ranges(root: Path, *rows: Mapping[str, Any]) -> Path:
    path = root / "annotation.json"
    path.write_text(json.dumps(list(rows)))
    return path


def put_points(root: Path, frames: Sequence[int], env: str = "night_high", person: str = "01") -> Path:
    """Keypoints of all views; those of frame i are all i."""
    for view in VIEWS:
        folder = root / "sam3d_body_results_right" / person / FOLDERS[env] / view
        folder.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            output = {"pred_keypoints_3d": np.full((70, 3), frame, np.float32)}
            np.savez(folder / file_name(frame), output=np.array(output, dtype=object))
    return root / "sam3d_body_results_right"


def put_index(root: Path, train: Sequence[tuple[str, str]], val: Sequence[tuple[str, str]] = ()) -> Path:
    """`index_mapping/index.json` as the original writes it, with paths of another machine."""

    def row(person: str, env: str) -> dict[str, Any]:
        folder = f"/elsewhere/videos/{person}/{FOLDERS[env]}"
        return {
            "person_id": person,
            "env_folder": FOLDERS[env],
            "env_key": env,
            "label_path": f"/elsewhere/label/person_{person}_{env}_h265.json",
            "videos": {view: f"{folder}/{view}.mp4" for view in VIEWS},
            "sam3d_kpts": None,
        }

    path = root / "index_mapping" / "index.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    splits = {"train": [row(*each) for each in train], "val": [row(*each) for each in val]}
    path.write_text(json.dumps({"0": splits}, ensure_ascii=False))
    return path


def put_all(root: Path) -> Path:
    """One person in two environments, 60 frames each; the range is 10 to 58 at night, and unknown by day."""
    put_views(root)
    put_views(root, "day_low")
    put_labels(root, annotation((0, 18, "left"), (25, 40, "right_up")))
    put_labels(root, annotation((5, 50, "down")), env="day_low")
    put_ranges(root, range_row(10, 58))
    put_points(root, range(60))
    return root


def block(root: Path, **more: Any) -> dict[str, str]:
    """Parameters of the source."""
    return {
        "videos": str(root / "videos"),
        "annotations": str(root / "annotation.json"),
        "labels": str(root / "label"),
        **more,
    }


def media(path: Path) -> Media:
    return Media(str(path), path.stat().st_size, source="raw")
