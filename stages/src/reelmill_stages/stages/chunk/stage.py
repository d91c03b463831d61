"""The `chunk` stage: divides long videos with several views into training samples.

All views of a chunk have the same frame numbers. Numbers of frames are read from packet tables, without decoding.
Labels and keypoints use the frame numbers of the whole video until the entry of a chunk is written.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.log import event
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.item_errors import failed
from reelmill_stages.stage import (
    DataSetReader,
    Done,
    File,
    Filtered,
    Input,
    NewItem,
    Result,
    Stage,
    Work,
)
from reelmill_stages.stages.chunk.division import ChunkPart, divided
from reelmill_stages.stages.chunk.entries import COPIED, NAME, localise, write_index
from reelmill_stages.stages.chunk.points import PointReferences, folder_references, write_points
from reelmill_stages.stages.chunk.views import View, common_range, media_of, open_view
from reelmill_stages.stages.chunk.write import write_arrays, write_videos
from reelmill_stages.weight import Weight

log = logging.getLogger(__name__)


class ChunkStage(Stage):
    """Divides items into chunks. Reasons: those of `views` and `points`, `unknown_label`; filtered `no_labels`."""

    block: ChunkBlock

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        results: list[Result] = []
        for given in group:
            try:
                results.append(self._done(given, work))
            except ItemError as error:
                results.append(failed(error))
        return results

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        path = data.scratch / NAME
        videos, chunks = write_index(path, data, self.block.params())
        limit = f"max {self.block.max_frames} frames/chunk" if self.block.max_frames else "whole videos"
        event(
            log, f"Video chunking enabled: {videos} videos -> {chunks} chunks ({limit})", videos=videos, chunks=chunks
        )
        yield File(NAME, path)

    def localise(self, view: Path, folder: Path) -> None:
        if view.name == NAME:
            localise(view, folder)

    def forecast(self, items: int, weight: Weight) -> int | None:
        """The size of an index is negligible; that of written frames is unknown before the videos are read."""
        return items * 4096 if self.block.output == "index" else None

    def _done(self, given: Input, work: Work) -> Result:
        """The result of one item, with all of its chunks."""
        item = given.item
        lend = work.fetch if self.block.output == "mp4" else work.open
        views = {name: open_view(media, lend(media)) for name, media in media_of(item, self.block.views).items()}
        frames = common_range(item, views)
        parts = divided(item, frames, self.block)
        kept = [part for part in parts if part.labels is None or part.labels]
        if not kept:
            return Filtered(ItemReason.NO_LABELS, "no frame of the item has a label")
        names = [f"chunks/{given.number:06d}_{_item_name(item)}_{part.number:04d}" for part in kept]
        numbers = {name: [view.in_file(part.window) for part in kept] for name, view in views.items()}
        folders = item.fields.get("keypoints", {}) if self.block.keypoints else {}
        lost = 0
        if self.block.output == "index":
            files: list[list[File]] = [[] for _ in kept]
            points = folder_references(folders, numbers)
        else:
            files = self._write_files(views, kept, names, work.scratch)
            points, more, lost = write_points(folders, numbers, names, work)
            files = [[*own, *other] for own, other in zip(files, more, strict=True)]
        made = (self._chunk_item(item, frames.start, *each, views) for each in zip(kept, files, points, strict=True))
        counters: dict[str, int] = {
            StageCounter.CHUNKS_WITHOUT_LABEL: len(parts) - len(kept),
            StageCounter.FRAMES_WITHOUT_KEYPOINTS: lost,
        }
        counters |= {word: 1 for view in views.values() for word in view.told}
        return Done(tuple(made), counters={name: count for name, count in counters.items() if count})

    def _write_files(
        self, views: Mapping[str, View], parts: Sequence[ChunkPart], names: Sequence[str], scratch: Path
    ) -> list[list[File]]:
        """Write the videos or arrays of each chunk, view by view."""
        files: list[list[File]] = [[] for _ in parts]
        write = write_arrays if self.block.output == "npy" else write_videos
        for name, view in views.items():
            places = [f"{folder}/{self._view_file(name)}" for folder in names]
            targets = [scratch / place for place in places]
            for target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
            write(view, [part.window for part in parts], targets, self.block)
            for own, place, target in zip(files, places, targets, strict=True):
                own.append(File(place, target))
        return files

    def _chunk_item(
        self,
        item: Item,
        start: int,
        part: ChunkPart,
        files: Sequence[File],
        points: PointReferences,
        views: Mapping[str, View],
    ) -> NewItem:
        source = {name: _view_frames(view, part.window) for name, view in views.items()}
        view_entries = source
        if self.block.output != "index":
            length = len(part.window)
            view_entries = {
                name: {"file": self._view_file(name), "frames": [0, length], "fps": source[name]["fps"]}
                for name in views
            }
        fields: dict[str, Any] = {name: item.fields[name] for name in COPIED if name in item.fields}
        fields |= {"chunk": part.entry(start), "views": view_entries, "labels": part.labels}
        if points:
            fields["keypoints"] = points
        before = {"from": dict(item.provenance)} if item.provenance else {}
        if odd := {name: dict(view.told) for name, view in views.items() if view.told}:
            before["told"] = odd
        first = next(iter(views.values()))
        return NewItem(
            key=f"{item.key}/{part.number}",
            group=item.key,
            weight=round(first.seconds(part.window), 6),
            media=first.media if self.block.output == "index" else None,
            files=tuple(files),
            fields=fields,
            provenance={"source": source, "params": self.block.canonical(), **before},
        )

    def _view_file(self, view: str) -> str:
        return f"{safe_stem(view)}.{self.block.output}"


def _view_frames(view: View, chunk: range) -> dict[str, Any]:
    """The frames of a view that a chunk contains, by number and by exact time."""
    frames = view.in_file(chunk)
    return {
        "media": view.media.to_json(),
        "frames": [frames.start, frames.stop],
        "pts": list(view.ticks(chunk)),
        "time_base": str(view.time_base),
        "fps": round(view.fps, 6),
    }


def _item_name(item: Item) -> str:
    name = item.fields.get("name")
    return safe_stem(name if isinstance(name, str) and name else item.key)
