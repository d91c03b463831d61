"""Write one frame per second of each video, 160 lines high, as JPEG in tars: `frames_job.py daft|ray FOLDER`.

The folder contains `videos`; one tar per video is written to `tars`. It runs in the environment of the library. Both
libraries read whole videos, because neither supports clips.
"""

import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 284, 160


def by_daft(folder: Path) -> None:
    """Videos are read one after the other: with two cores, Daft 0.7.26 hangs as soon as it reads two at once."""
    import daft

    for path in sorted((folder / "videos").iterdir()):
        found = daft.read_video_frames(str(path), image_height=HEIGHT, image_width=WIDTH, sample_interval_seconds=1.0)
        encoded = found.select("frame_index", found["data"].encode_image("jpeg").alias("jpg"))
        with tarfile.open(folder / "tars" / f"{path.stem}.tar", "w") as tar:
            for row in encoded.iter_rows():
                add(tar, f"{path.stem}-{row['frame_index']}.jpg", row["jpg"])


def by_ray(folder: Path) -> None:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    paths = [str(path) for path in sorted((folder / "videos").iterdir())]
    found = ray.data.read_videos(
        paths, fps=1, resize=(HEIGHT, WIDTH), include_paths=True, override_num_blocks=len(paths)
    )
    found.map(named).write_webdataset(str(folder / "tars"))
    ray.shutdown()


def named(row: dict[str, Any]) -> dict[str, Any]:
    """Ray Data encodes arrays of the column `jpg` itself."""
    return {"__key__": f"{Path(row['path']).stem}-{row['frame_index']}", "jpg": row["frame"]}


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["DAFT_ANALYTICS_ENABLED"] = "0"
    (Path(sys.argv[2]) / "tars").mkdir()
    {"daft": by_daft, "ray": by_ray}[sys.argv[1]](Path(sys.argv[2]))
