"""Cuts clips from an open video, in the mode of the block, as new items with provenance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import av

from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.media import ffmpeg
from reelmill_stages.media.cutting.cut import Cut, cut_at
from reelmill_stages.media.cutting.encode import STEREO, Encoding, encode, fields_as_frames, mixed_down
from reelmill_stages.media.cutting.remux import Remuxer, remuxer
from reelmill_stages.media.timeline.index_check import expect
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import File, NewItem
from reelmill_stages.stages.clip.names import video_id
from reelmill_stages.stages.clip.pieces import Piece


@dataclass(frozen=True, slots=True)
class Clipped:
    """A clip. `reencoded`: it was encoded in mode `copy` because its packets cannot be stored in mp4."""

    item: NewItem
    reencoded: bool = False


class Cutter:
    """Cuts clips from one video, into files in `scratch`."""

    def __init__(self, source: Remuxer, media: Media, block: ClipBlock, scratch: Path) -> None:
        self.source = source
        self.media = media
        self.block = block
        self.scratch = scratch
        self._names: set[str] = set()

    @property
    def timeline(self) -> Timeline:
        return self.source.timeline

    @property
    def path(self) -> MediaFile:
        return self.source.path

    def clip(self, item: Item, piece: Piece) -> Clipped:
        """Cut one clip. Raises ItemError if the span contains no frame or the clip cannot be written."""
        cut = cut_at(self.timeline, piece.span.start, piece.span.end)
        piece = self._with_unique_name(piece)
        if self.block.mode == "virtual":
            media = replace(self.media, span=piece.span)
            made = self._clip_item(item, piece, cut, group=item.group, media=media, how={"mode": "virtual"})
            return Clipped(made)
        name = f"clips/{piece.name}.mp4"
        target = self.scratch / name
        target.parent.mkdir(exist_ok=True)
        how, forced = self._write_clip(cut, target)
        made = self._clip_item(item, piece, cut, group=piece.key, media=name, how=how, files=(File(name, target),))
        return Clipped(made, forced)

    def expect(self, pieces: Iterable[Piece]) -> None:
        """Announce which clips are copied. Raises WholeFileNeeded if they are most of a remote file."""
        if isinstance(self.path, Path):
            return
        runs = []
        for piece in sorted(pieces, key=lambda each: each.span.start):
            with suppress(ItemError):  # reported when it is cut
                if copied := self.source.slice_of(cut_at(self.timeline, piece.span.start, piece.span.end)):
                    runs.append((copied.first, copied.last))
        expect(self.path, self.timeline.packets, runs)

    def _with_unique_name(self, piece: Piece) -> Piece:
        """The piece with a unique name; items without a name from a listing may have the same one."""
        name = piece.name
        if name in self._names:
            name = f"{name}-{fingerprint(piece.key)[:8]}"
        self._names.add(name)
        return replace(piece, name=name)

    def _write_clip(self, cut: Cut, target: Path) -> tuple[dict[str, Any], bool]:
        """Write a file; returns (how it was made, whether encoding was forced)."""
        partial = target.with_name(f"{target.name}.partial")
        forced = False
        if self.block.mode == "copy":
            if self._try_copy(cut, partial):
                partial.replace(target)
                return {"mode": "copy"}, False
            forced = True
        encoding = Encoding("h264" if forced else self.block.codec, self.block.crf, self.block.preset)
        encode(self.source, cut, partial, encoding)
        partial.replace(target)
        details = {"encoder": encoding.encoder, "crf": encoding.crf, "preset": encoding.preset}
        if fields_as_frames(self.source, encoding):
            details["fields"] = "frames"
        if mixed_down(self.source, encoding):
            details["channels"] = STEREO
        return {"mode": "reencode", **details, "ffmpeg": ffmpeg.binary().banner}, forced

    def _try_copy(self, cut: Cut, target: Path) -> bool:
        """Copy the packets of a cut, or find that they do not show it exactly."""
        piece = self.source.slice_of(cut)
        if piece is None:
            return False
        try:
            self.source.copy(cut, piece, target)
        except ItemError as error:
            if error.reason != ItemReason.UNVERIFIED:
                raise
            return False
        return True

    def _clip_item(
        self,
        item: Item,
        piece: Piece,
        cut: Cut,
        *,
        group: str,
        media: str | Media,
        how: Mapping[str, Any],
        files: tuple[File, ...] = (),
    ) -> NewItem:
        span = piece.span
        length = round(span.end - span.start, 6)
        times = {"start": span.start, "end": span.end, "duration": length}
        return NewItem(
            key=piece.key,
            group=group,
            weight=length,
            media=media,
            files=files,
            fields={**item.fields, "vid": video_id(item), **times, "name": piece.name},
            provenance={**self._provenance(cut), **how, **({"overhang": piece.overhang} if piece.overhang else {})},
        )

    def _provenance(self, cut: Cut) -> dict[str, Any]:
        base = cut.time_base
        return {
            "source": self.media.to_json(),
            "stream": self.timeline.stream,
            "codec": self.timeline.codec,
            "in": cut.start,
            "out": cut.end,
            "timeBase": f"{base.numerator}/{base.denominator}",
            "frames": [cut.frames.start, cut.frames.stop],
            "audio": self.block.audio,
            **self.timeline.special_properties(),
            "versions": _versions(),
        }


@contextmanager
def cutter(path: MediaFile, media: Media, block: ClipBlock, scratch: Path) -> Iterator[Cutter]:
    """Open a video once for all of its clips. Raises ItemError for an invalid file."""
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=block.audio == "keep") as source:
        yield Cutter(source, media, block, scratch)


@cache
def _versions() -> dict[str, str]:
    return {"av": av.__version__, "libavformat": ".".join(map(str, av.library_versions["libavformat"]))}
