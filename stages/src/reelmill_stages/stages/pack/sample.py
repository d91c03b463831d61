"""The interface of samplers, which turn one item into one sample, independently of keys and tars.

A custom sampler is a class, declared by its module (see `reelmill_stages.user_code`):

    from reelmill_stages.plugins import PackBlock, PackInput, UnkeyedSample

    __reelmill__ = ["Middle"]

    class Middle:
        def __init__(self, block: PackBlock) -> None: ...
        def sample(self, clip: PackInput) -> UnkeyedSample: ...

It writes its parts to `clip.scratch` and returns them; the stage determines their names in the tar.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile, local_path
from reelmill_stages.stage import File
from reelmill_stages.tar.write import MAX_SIZE

_LONGEST_PART = 80
_PART = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class UnkeyedSample:
    """One sample before it has a key.

    `fields` are the fields of the json member. `parts` are the other members, whose `File.name` is the part of the name
    after the key: `mp4`, `0.jpg`. `names_as` is the json field with the names of the parts: a list (`000000012-0`, …)
    for `image_name_list` and `videos`, or the key itself for `video_id`. `counters` are summed over the data set.
    """

    fields: Mapping[str, Any]
    parts: tuple[File, ...]
    names_as: str = "image_name_list"
    counters: Mapping[str, int] = field(default_factory=dict)

    def check(self, scratch: Path) -> None:
        """Raise ItemError with reason `bad_sample` or `too_large` for a sample that cannot be packed.

        Parts must be in `scratch`, because they are deleted when they are packed.
        """
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ItemError(ItemReason.BAD_SAMPLE, f"the sampler gave two parts the same name: {', '.join(names)}")
        for part in self.parts:
            _check_part(part, scratch)
        try:
            json.dumps(dict(self.fields), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ItemError(ItemReason.BAD_SAMPLE, f"the sampler's fields are not JSON: {error}") from error


def _check_part(part: File, scratch: Path) -> None:
    if not _PART.fullmatch(part.name) or len(part.name) > _LONGEST_PART or part.name == "json":
        raise ItemError(
            ItemReason.BAD_SAMPLE, f"the sampler named a part {part.name!r}: write mp4 or 0.jpg, in lower case"
        )
    if not part.path.parent.resolve().is_relative_to(scratch.resolve()):
        raise ItemError(
            ItemReason.BAD_SAMPLE, f"the sampler's part {part.name} lies outside of its folder: write or link it there"
        )
    try:
        size = part.path.stat().st_size
    except OSError as error:
        raise ItemError(
            ItemReason.BAD_SAMPLE, f"the sampler's part {part.name} has no file: {error.strerror}"
        ) from error
    if size > MAX_SIZE:
        raise ItemError(
            ItemReason.TOO_LARGE, f"part {part.name} has {size} bytes; a tar's member holds at most {MAX_SIZE}"
        )


def _refuse_fetch(media: Media) -> Path:
    raise FileNotFoundError(media.uri)


class PackInput:
    """The input of a sampler: the item, its file, and a folder for the parts."""

    def __init__(
        self,
        item: Item,
        file: MediaFile | None,
        scratch: Path,
        timelines: dict[MediaFile, Timeline] | None = None,
        fetch: Callable[[Media], Path] = _refuse_fetch,
    ) -> None:
        self.item = item
        self._file = file
        self.scratch = scratch
        """An empty folder for the parts."""
        self.fetch = fetch
        """Downloads other media that the fields of the item name, to a file which must not be modified.

        Raises ItemError with the reason `missing` or `changed`.
        """
        self._timelines = {} if timelines is None else timelines

    @property
    def file(self) -> MediaFile:
        """The video, for `decode`; it may be read by ranges. Raises ItemError for an item without a file."""
        if self._file is None:
            raise ItemError(ItemReason.NO_MEDIA, f"{self.item.key} is a document without a video: pack interleave")
        return self._file

    @property
    def path(self) -> Path:
        """The local video file, which must not be modified. Raises ItemError for an item without a file."""
        return local_path(self.file, "the sampler reads the file itself")

    @property
    def text(self) -> str:
        """The caption; empty if there is none."""
        text = self.item.fields.get("text", "")
        return text if isinstance(text, str) else ""

    @property
    def talk(self) -> dict[str, Any]:
        """`{"conversations": …}` if the item has one, otherwise empty."""
        turns = self.item.fields.get("conversations")
        return {"conversations": turns} if turns else {}

    @property
    def timeline(self) -> Timeline:
        """The visible frames of the file. Raises ItemError for an invalid video."""
        if self.file not in self._timelines:
            self._timelines[self.file] = read_timeline(self.file)
        return self._timelines[self.file]

    @property
    def frames(self) -> range:
        """Indices of the item's frames: all frames of the video, or those of a span that is not cut.

        Raises ItemError with the reason `bad_span` or `no_frames`.
        """
        span = item_span.span(self.item)
        frames = self.timeline.window(span.start, span.end) if span else range(len(self.timeline.pts))
        if not frames:
            raise ItemError(ItemReason.NO_FRAMES, f"{self.item.key} has no visible frame in its span")
        return frames


class Sampler(Protocol):
    """Turns one item into one sample. `sample` raises ItemError for an item that cannot be sampled.

    A class that implements this is made with the block of the stage, `__init__(self, block: PackBlock)`.
    """

    def sample(self, clip: PackInput) -> UnkeyedSample:
        """The sample of one item; its files are in `clip.scratch`."""
        ...


def document(fields: Mapping[str, Any], names_as: str, parts: tuple[str, ...], key: str) -> bytes:
    """The json member of a sample with this key, as ASCII."""
    names = [key if "." not in part else f"{key}-{part.rpartition('.')[0]}" for part in parts]
    named: str | list[str] = key if names_as == "video_id" else names
    return json.dumps({**fields, names_as: named}).encode()
