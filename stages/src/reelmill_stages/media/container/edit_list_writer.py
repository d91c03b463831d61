"""In-place editing of the presentation end of each track of an mp4 file.

A muxer writes edit lists that hide everything before the first visible frame, but treats everything after it as
visible. This module shortens the last edit of each track (`elst`) and the durations that depend on it (`tkhd`, `mvhd`).
Box layout: ISO/IEC 14496-12. No bytes are moved.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CONTAINERS = {b"moov", b"trak", b"edts"}
_EMPTY_EDIT = -1
_DEPTH = 4
"""Levels of boxes in a track; deeper boxes are ignored."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Offset of the payload in the `moov`."""
    end: int


def set_ends(path: Path, ends: Sequence[int] | int) -> None:
    """Make track i end at `ends[i]`, or every track that has an edit list at `ends`.

    Ends are counted from the start of the movie, in ticks of its time scale. Raises ValueError if the layout of the
    file is not that of a muxer with edit lists.
    """
    try:
        _write_ends(path, ends)
    except (struct.error, KeyError, IndexError, StopIteration) as error:
        raise ValueError(f"a box is damaged or missing ({error})") from error


def _write_ends(path: Path, ends: Sequence[int] | int) -> None:
    with path.open("r+b") as file:
        offset, moov = _read_movie_box(file)
        tracks = [box for box in _boxes(moov, 0, len(moov)) if box.kind == b"trak"]
        if isinstance(ends, int):
            tracks = [
                track for track in tracks if any(box.kind == b"elst" for box in _descendants(moov, track, _DEPTH))
            ]
            ends = [ends] * len(tracks)
        if len(tracks) != len(ends):
            raise ValueError(f"{len(tracks)} tracks, not {len(ends)}")
        longest = 0
        for track, end in zip(tracks, ends, strict=True):
            inside = {box.kind: box for box in _descendants(moov, track, _DEPTH)}
            shown = _shorten_edit(moov, inside[b"elst"], end)
            _set_duration(moov, inside[b"tkhd"], shown, before=(4 + 4 + 4 + 4, 8 + 8 + 4 + 4))
            longest = max(longest, shown)
        mvhd = next(box for box in _boxes(moov, 0, len(moov)) if box.kind == b"mvhd")
        _set_duration(moov, mvhd, longest, before=(4 + 4 + 4, 8 + 8 + 4))
        file.seek(offset)
        file.write(moov)


def _shorten_edit(moov: bytearray, box: _Box, end: int) -> int:
    """Shorten the last edit to end at `end`, never lengthen it. Returns the resulting end."""
    wide = moov[box.start] == 1
    layout = struct.Struct(">Qqhh" if wide else ">Iihh")
    (count,) = struct.unpack_from(">I", moov, box.start + 4)
    if count < 1 or box.start + 8 + count * layout.size > box.end:
        raise ValueError("the edit list is damaged")
    at, begun = box.start + 8, 0
    for _ in range(count - 1):
        begun += layout.unpack_from(moov, at)[0]
        at += layout.size
    duration, media_time, *rate = layout.unpack_from(moov, at)
    if media_time == _EMPTY_EDIT:
        raise ValueError("the last edit is empty")
    shown = max(0, min(duration, end - begun))
    layout.pack_into(moov, at, shown, media_time, *rate)
    return int(begun + shown)


def _set_duration(moov: bytearray, box: _Box, value: int, *, before: tuple[int, int]) -> None:
    """Set the duration in a header; `before` is its offset after version and flags in versions 0 and 1."""
    wide = moov[box.start] == 1
    struct.pack_into(">Q" if wide else ">I", moov, box.start + 4 + before[wide], value)


def _read_movie_box(file: BinaryIO) -> tuple[int, bytearray]:
    """Return the offset and payload of the movie box."""
    whole = file.seek(0, 2)
    file.seek(0)
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        if not header <= size <= whole - file.tell() + header:
            raise ValueError("a box has no length, or leaves the file")
        if kind == b"moov":
            offset = file.tell()
            moov = bytearray(file.read(size - header))
            return offset, moov
        file.seek(size - header, 1)
    raise ValueError("no moov box")


def _boxes(data: bytearray, start: int, end: int) -> Iterator[_Box]:
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if not 8 <= size <= end - start:
            raise ValueError("a box leaves the one around it")
        yield _Box(kind, start + 8, start + size)
        start += size


def _descendants(data: bytearray, box: _Box, depth: int) -> Iterator[_Box]:
    for inner in _boxes(data, box.start, box.end):
        yield inner
        if inner.kind in _CONTAINERS and depth:
            yield from _descendants(data, inner, depth - 1)
