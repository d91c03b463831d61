"""The rules of LeRobot for a folder of version 3.0: the tables agree, and episodes are within the files of cameras.

Videos are opened, but their pictures are not decoded.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.untrusted.nested import load_json

_INFO = "meta/info.json"
_VIDEO = "video"


class LerobotCheck:
    """See `Check`."""

    def detect(self, folder: Path) -> bool:
        return (folder / _INFO).is_file()

    def check(self, folder: Path) -> Iterator[Finding]:
        try:
            info = load_json((folder / _INFO).read_bytes())
            episodes = [row for file in _parquet_files(folder, "meta/episodes") for row in file.read().to_pylist()]
            frames = sum(file.metadata.num_rows for file in _parquet_files(folder, "data"))
            length = sum(row["length"] for row in episodes)
            ends = _video_ends(info, episodes)
            fps = float(info["fps"])
            if not fps > 0:
                raise ValueError(f"fps is {fps:g}")
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            yield Finding(_INFO, "readable", False, unreadable(error))
            return
        stated = (info.get("total_episodes"), info.get("total_frames"))
        counted = (len(episodes), frames)
        yield Finding(
            _INFO,
            "counts",
            stated == counted and length == frames,
            f"{stated[0]} episodes with {stated[1]} frames"
            + ("" if stated == counted else f"; the tables have {counted[0]} with {counted[1]}"),
        )
        for name, wanted in sorted(ends.items()):
            yield _check_video(folder / name, name, wanted, fps)


def _video_ends(info: dict[str, Any], episodes: list[dict[str, Any]]) -> dict[str, float]:
    """Return path of each video -> end of the last of its episodes in seconds."""
    ends: defaultdict[str, float] = defaultdict(float)
    for key in (key for key, feature in info["features"].items() if feature["dtype"] == _VIDEO):
        for row in episodes:
            numbers = {name: row[f"videos/{key}/{name}"] for name in ("chunk_index", "file_index")}
            name = info["video_path"].format(video_key=key, **numbers)
            ends[name] = max(ends[name], row[f"videos/{key}/to_timestamp"])
    return ends


def _check_video(path: Path, name: str, end: float, fps: float) -> Finding:
    try:
        timeline = read_timeline(path)
    except ItemError as error:
        return Finding(name, "readable", False, error.what)
    frames = len(timeline)
    wrong = frames != round(end * fps) or abs(timeline.seconds(frames - 1) - (frames - 1) / fps) > 1e-4
    return Finding(name, "times", not wrong, f"{count_of(frames, 'frame')}; the last episode ends at {end:g} s")


def _parquet_files(folder: Path, table: str) -> list[Any]:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise SpecError(
            "Parquet needs the package pyarrow", where=str(folder), hint="install reelmill-stages[parquet]"
        ) from error
    return [parquet.ParquetFile(path) for path in sorted((folder / table).glob("*/*.parquet"))]
