"""LeRobot data sets, version 3.0: an episode per item, with a video per camera.

The shards write the mp4 files to the folder of the segment, to which the template of their paths in `meta/info.json`
points. Episodes and frames are listed in views: tables of one row per episode and one row per frame
(https://huggingface.co/docs/lerobot/lerobot-dataset-v3).
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import msgspec

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Fields, Item
from reelmill.contract.spec.stages.write import LerobotOptions, WriteBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.write.columns import columns_of
from reelmill_stages.stages.write.format import DataSetFormat, FormatFile, FormatPart, FormatSample
from reelmill_stages.stages.write.formats.lerobot_stats import picture_stats
from reelmill_stages.stages.write.formats.lerobot_tables import VIDEO_PATH, Episode, camera, views
from reelmill_stages.stages.write.formats.lerobot_video import CameraFile, EpisodeVideo, frames_of

_EPISODES = "episodes"
_PART = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])


class LerobotFormat(DataSetFormat):
    """See `DataSetFormat`. A part is a list of its episodes, and the mp4 files of their cameras."""

    suffix = "json"

    def __init__(self, block: WriteBlock) -> None:
        super().__init__(block)
        assert block.lerobot
        self._options: LerobotOptions = block.lerobot
        self._columns = columns_of(block)
        self._of_frames = frozenset(column.name for column in self._columns if column.kind == "vectors")

    def check(self) -> None:
        if find_spec("pyarrow") is None:
            raise SpecError(
                "a LeRobot data set needs the package pyarrow",
                where="format",
                hint="install reelmill-stages[parquet]",
            )

    def inspect(self, files: Sequence[FormatFile], values: Mapping[str, Any]) -> Fields:
        counts = {file.column: frames_of(file.path, file.name, self._options) for file in files}
        if len(set(counts.values())) > 1:
            frame_counts = ", ".join(f"{name} has {count_of(count, 'frame')}" for name, count in counts.items())
            raise ItemError(
                ItemReason.SHORT_VIEW, f"the cameras of an episode need equal numbers of frames: {frame_counts}"
            )
        frames = next(iter(counts.values()))
        for name in sorted(self._of_frames):
            if len(values[name]) != frames:
                raise ItemError(
                    ItemReason.BAD_FIELD,
                    f"the column {name} has {count_of(len(values[name]), 'vector')} for {count_of(frames, 'frame')}",
                )
        stats = {file.column: picture_stats(file.path) for file in files} if self._options.statistics else {}
        return {"frames": frames, "stats": stats}

    def writer(self, path: Path) -> "LerobotSamples":
        return LerobotSamples(path, [column.name for column in self._columns], self._of_frames, self._options)

    def views(self, data: DataSetReader) -> Iterator[File]:
        def episodes() -> Iterator[Episode]:
            for item in data.items():
                if item.media is not None:
                    segment = int(item.media.uri.removeprefix(f"{data.root}/").split("/")[0])
                    yield from (
                        Episode(segment, fields_of_episode) for fields_of_episode in self._episodes_of_part(data, item)
                    )

        cameras = list(self.block.media_columns)
        return views(episodes, self._columns, cameras, self._options, data.scratch)

    def _episodes_of_part(self, data: DataSetReader, part: Item) -> Iterator[Fields]:
        """Yield the episodes of a part.

        Values of frames are too large for a row: they are in the file, of which one episode is decoded at a time.
        """
        if not self._of_frames or part.media is None:
            yield from part.fields[_EPISODES]
            return
        path = data.fetch(part.media.uri, part.media.digest)
        with path.open("rb") as file:
            text = mmap(file.fileno(), 0, access=ACCESS_READ)
        for episode in _PART.decode(text)[_EPISODES]:
            yield json.loads(bytes(episode))
        if path.is_relative_to(data.scratch):
            path.unlink()


class LerobotSamples:
    """Writes the videos of a part, and the list of its episodes; values of frames are only in the file."""

    def __init__(self, path: Path, columns: Sequence[str], of_frames: Collection[str], options: LerobotOptions) -> None:
        self._path = path
        self._options = options
        self._columns = columns
        self._of_frames = of_frames
        self._first = int(path.stem.rpartition("-")[2])
        self._current: dict[str, CameraFile] = {}
        self._finished: list[CameraFile] = []
        self._episodes: list[dict[str, Any]] = []
        self._file = path.open("w", encoding="utf-8")
        self._file.write(f'{{"{_EPISODES}": [')

    def add(self, sample: FormatSample) -> None:
        cameras = {}
        for file in sample.files:
            video = EpisodeVideo(file.path)
            into = self._file_for(file.column, video)
            start = into.add(video)
            cameras[file.column] = [into.number, start]
        values = dict(zip(self._columns, sample.values, strict=True))
        episode = {"values": values, "cameras": cameras, **sample.facts}
        self._file.write((", " if self._episodes else "") + json.dumps(episode, ensure_ascii=False))
        self._episodes.append(self._episode_row(episode))

    def finish(self) -> FormatPart:
        self._finished += self._current.values()
        for file in self._finished:
            file.finish()
        self._file.write("]}\n")
        self._file.close()
        home = self._path.parent
        files = tuple(File(file.path.relative_to(home).as_posix(), file.path) for file in self._finished)
        return FormatPart({_EPISODES: self._episodes}, files)

    def discard(self) -> None:
        self._file.close()
        for file in (*self._finished, *self._current.values()):
            file.discard()

    def _episode_row(self, episode: dict[str, Any]) -> dict[str, Any]:
        """Return what the item contains of an episode."""
        values = {name: value for name, value in episode["values"].items() if name not in self._of_frames}
        return {**episode, "values": values}

    def _file_for(self, name: str, video: EpisodeVideo) -> CameraFile:
        """Return the file of a camera for this video: a new one if the settings of the decoder differ."""
        current = self._current.get(name)
        if current and current.form == video.form:
            return current
        if current:
            self._finished.append(current)
        number = self._first + len(self._episodes)
        place = VIDEO_PATH.format(chunk_index=0, video_key=camera(name), file_index=number).partition("/")[2]
        self._current[name] = CameraFile(self._path.parent / place, number, video.form, self._options.fps)
        return self._current[name]
