"""The tables of a LeRobot data set: information, tasks, a row per episode, and a row per frame."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.records.rows import Fields
from reelmill.contract.spec.stages.write import TASK, LerobotOptions
from reelmill_stages.stage import File
from reelmill_stages.stages.write.columns import ReadyColumn
from reelmill_stages.stages.write.formats.arrow_types import arrow_type
from reelmill_stages.stages.write.formats.lerobot_stats import FeatureTotals, number_stats, scaled, shaped
from reelmill_stages.stages.write.formats.lerobot_stats import columns as stats_columns

VIDEO_PATH = "{chunk_index:04d}/{video_key}/file-{file_index:09d}.mp4"
"""Path of a camera's file; `chunk_index` is the number of the segment."""
_PATH = "chunk-{chunk:03d}/file-{file:03d}.parquet"
_VERSION = "v3.0"
_CHUNK = 1000
"""Number of files of a chunk."""
_FRAMES = 2_000_000
"""Approximate rows of a file with frames: an episode is in one file. Fewer if rows have many values."""
_FRAME_BYTES = 36
"""Size in bytes of the values that every frame has."""
_HELD = 256 << 20
"""Approximate maximum size in bytes of frames that are in memory until a file is written."""
_EPISODES = 5_000
"""Number of rows of a file with episodes."""
_FRAME_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode in the segment `segment`.

    `values` of columns, `frames`, `cameras` with (file, first frame) of each, and `stats` of each.
    """

    segment: int
    fields: Fields


def camera(name: str) -> str:
    """Return the feature of a view."""
    return f"observation.images.{name}"


def frame_feature(name: str) -> str:
    """Return the feature of a column of vectors: an input of the policy, or `action`, its output."""
    return name if name == "action" else f"observation.{name}"


def views(
    episodes: Callable[[], Iterator[Episode]],
    columns: Sequence[ReadyColumn],
    cameras: Sequence[str],
    options: LerobotOptions,
    scratch: Path,
) -> Iterator[File]:
    """Yield all files in `meta` and `data`; none without episodes.

    Columns of vectors are features of frames, the others columns of the table of episodes.
    """
    features = {frame_feature(column.name): column for column in columns if column.kind == "vectors"}
    columns = [column for column in columns if column.kind != "vectors"]
    tasks: dict[str, int] = {}
    wide = _FRAME_BYTES + 4 * sum(column.width or 1 for column in features.values())
    frames = _Table(scratch, "data", min(_FRAMES, _HELD // wide))
    rows = _Table(scratch, "meta/episodes", _EPISODES, _episode_schema(cameras, columns, features, options))
    totals = FeatureTotals()
    first = number = 0
    for number, episode in enumerate(episodes(), 1):
        stored: Any = episode.fields
        length = stored["frames"]
        task = tasks.setdefault(stored["values"][TASK], len(tasks))
        data = frames.place(length)
        values = _frame_columns(number - 1, first, length, task, options.fps)
        for name, column in features.items():
            values[name] = np.array(stored["values"][column.name], np.float32)
        frames.add(values, length)
        row = _episode_row(number - 1, first, episode, cameras, columns, options.fps)
        chunk, file = rows.place(1)
        placed = {"data/chunk_index": data[0], "data/file_index": data[1]}
        row |= _statistics(stored.get("stats", {}), values, totals)
        rows.add(row | placed | {"meta/episodes/chunk_index": chunk, "meta/episodes/file_index": file}, 1)
        first += length
    if not number:
        return
    yield from frames.finish()
    yield from rows.finish()
    yield _tasks(scratch, list(tasks))
    if totals.found:
        pictures = set(map(camera, cameras))
        found = {name: shaped(stats, pictures=name in pictures) for name, stats in totals.found.items()}
        yield _json_file(scratch, "stats.json", found)
    yield _json_file(scratch, "info.json", _info_fields(number, first, len(tasks), cameras, features, options))


def _json_file(scratch: Path, name: str, value: Any) -> File:
    path = scratch / name
    path.write_text(json.dumps(value, indent=4) + "\n", encoding="utf-8")
    return File(f"meta/{name}", path)


def _statistics(given: Mapping[str, Fields], values: Mapping[str, Any], totals: FeatureTotals) -> dict[str, Any]:
    """Return the columns with the statistics of an episode, and add them to the totals; none without statistics."""
    if not given:
        return {}
    of_pictures = {camera(name): scaled(stats) for name, stats in given.items()}
    found = of_pictures | {name: number_stats(each) for name, each in values.items()}
    row: dict[str, Any] = {}
    for feature, stats in found.items():
        totals.add(feature, stats)
        stored = shaped(stats, pictures=feature in of_pictures)
        row |= {f"stats/{feature}/{name}": value for name, value in stored.items()}
    return row


def _frame_columns(number: int, first: int, length: int, task: int, fps: int) -> dict[str, Any]:
    within = np.arange(length)
    return {
        "timestamp": (within / fps).astype(np.float32),
        "frame_index": within,
        "episode_index": np.full(length, number),
        "index": within + first,
        "task_index": np.full(length, task),
    }


def _episode_row(
    number: int, first: int, episode: Episode, cameras: Sequence[str], columns: Sequence[ReadyColumn], fps: int
) -> dict[str, Any]:
    fields: Any = episode.fields
    length = fields["frames"]
    row = {
        "episode_index": number,
        "tasks": [fields["values"][TASK]],
        "length": length,
        "dataset_from_index": first,
        "dataset_to_index": first + length,
    }
    for name in cameras:
        file, start = fields["cameras"][name]
        row |= {
            f"videos/{camera(name)}/chunk_index": episode.segment,
            f"videos/{camera(name)}/file_index": file,
            f"videos/{camera(name)}/from_timestamp": start / fps,
            f"videos/{camera(name)}/to_timestamp": (start + length) / fps,
        }
    return row | {column.name: fields["values"][column.name] for column in columns if column.name != TASK}


def _episode_schema(
    cameras: Sequence[str], columns: Sequence[ReadyColumn], features: Iterable[str], options: LerobotOptions
) -> Any:
    arrow: Any = import_module("pyarrow")
    whole, seconds = arrow.int64(), arrow.float64()
    fields = {"episode_index": whole, "tasks": arrow.list_(arrow.string()), "length": whole}
    fields |= {"dataset_from_index": whole, "dataset_to_index": whole}
    fields |= {f"{table}/{part}_index": whole for table in ("data", "meta/episodes") for part in ("chunk", "file")}
    for name in cameras:
        place = f"videos/{camera(name)}"
        fields |= {f"{place}/chunk_index": whole, f"{place}/file_index": whole}
        fields |= {f"{place}/from_timestamp": seconds, f"{place}/to_timestamp": seconds}
    fields |= {column.name: arrow_type(column.kind) for column in columns if column.name != TASK}
    for name, depth in (
        stats_columns([*_FRAME_FEATURES, *features], list(map(camera, cameras))) if options.statistics else ()
    ):
        kind = whole if name.endswith("/count") else seconds
        for _ in range(depth):
            kind = arrow.list_(kind)
        fields[name] = kind
    return arrow.schema(list(fields.items()))


def _tasks(scratch: Path, tasks: Sequence[str]) -> File:
    """Return the table of tasks in the form of pandas: the texts are the index of the rows."""
    arrow: Any = import_module("pyarrow")
    described = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": stored, "metadata": None}
        for name, kind, stored in (("task_index", "int64", "int64"), (TASK, "unicode", "object"))
    ]
    pandas = {"index_columns": [TASK], "column_indexes": [], "columns": described, "pandas_version": "2.2.0"}
    table = arrow.table({"task_index": arrow.array(range(len(tasks)), arrow.int64()), TASK: list(tasks)})
    path = scratch / "tasks.parquet"
    import_module("pyarrow.parquet").write_table(
        table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path, compression="zstd"
    )
    return File("meta/tasks.parquet", path)


def _info_fields(
    episodes: int,
    frames: int,
    tasks: int,
    cameras: Sequence[str],
    features: Mapping[str, ReadyColumn],
    options: LerobotOptions,
) -> dict[str, Any]:
    video = {
        "dtype": "video",
        "shape": [options.height, options.width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": options.height,
            "video.width": options.width,
            "video.fps": options.fps,
            "video.channels": 3,
            "video.is_depth_map": False,
            "has_audio": False,
        },
    }
    plain = {name: {"dtype": kind, "shape": [1], "names": None} for name, kind in _FRAME_FEATURES.items()}
    plain |= {name: {"dtype": "float32", "shape": [one.width or 1], "names": None} for name, one in features.items()}
    return {
        "codebase_version": _VERSION,
        "robot_type": options.robot_type or None,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": _CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 500,
        "fps": options.fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": "data/" + _PATH.replace("{chunk:", "{chunk_index:").replace("{file:", "{file_index:"),
        "video_path": VIDEO_PATH,
        "features": {camera(name): video for name in cameras} | plain,
    }


class _Table:
    """Parquet files of a given approximate number of rows. Rows are dicts of values, or of arrays of equal length."""

    def __init__(self, scratch: Path, name: str, most: int, schema: Any = None) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._schema = schema
        self._scratch = scratch
        self._name = name
        self._most = most
        self._held: list[dict[str, Any]] = []
        self._rows = 0
        self._files: list[File] = []

    def place(self, rows: int) -> tuple[int, int]:
        """Return (chunk, file) for the next `rows` rows."""
        if self._held and self._rows + rows > self._most:
            self._flush()
        return divmod(len(self._files), _CHUNK)

    def add(self, values: dict[str, Any], rows: int) -> None:
        self._held.append(values)
        self._rows += rows

    def finish(self) -> Iterator[File]:
        self._flush()
        yield from self._files

    def _flush(self) -> None:
        chunk, file = divmod(len(self._files), _CHUNK)
        path = self._scratch / f"{self._name.replace('/', '-')}-{chunk}-{file}.parquet"
        if isinstance(next(iter(self._held[0].values())), np.ndarray):
            joined = {name: np.concatenate([one[name] for one in self._held]) for name in self._held[0]}
            table = self._arrow.table({name: self._array_column(values) for name, values in joined.items()})
        else:
            table = self._arrow.Table.from_pylist(self._held, schema=self._schema)
        import_module("pyarrow.parquet").write_table(table, path, compression="zstd")
        self._files.append(File(f"{self._name}/{_PATH.format(chunk=chunk, file=file)}", path))
        self._held, self._rows = [], 0

    def _array_column(self, values: Any) -> Any:
        """Return a column of an array (rows,) or (rows, width); LeRobot reads vectors of one component as numbers."""
        flat = self._arrow.array(values.reshape(-1))
        if values.ndim == 1 or values.shape[1] == 1:
            return flat
        return self._arrow.FixedSizeListArray.from_arrays(flat, values.shape[1])
