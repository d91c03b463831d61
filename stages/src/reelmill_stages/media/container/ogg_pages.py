"""Pages that an Ogg file has lost (RFC 3533): those of a stream are numbered.

Demuxers leave out pages whose checksum is wrong, and go on with the next one. Behind the last right page of a stream no
number is missed: a damaged page tells the loss, or one that is cut off, unless the stream has said that it ends.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.crc import crc_from_highest
from reelmill_stages.media_file import MediaFile, open_file

_MARK = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")
_FIRST = 2
_LAST = 4
_GOES_ON = 255
"""Length of a segment after which its packet has another one."""
_STREAM = slice(14, 18)
_SUM = slice(22, 26)
_HEAD = _HEADER.size + 255
"""Bytes in which the header of a page ends."""
_SEARCHED = 1 << 16
_MOST_DAMAGED = 10_000


@dataclass(frozen=True, slots=True)
class LostPages:
    """One or more pages of a stream that are not there."""

    before: int
    """Offset of the page that follows; of the first damaged one if they are the last."""
    within: bool
    """The page before them begins a packet that goes on in them: what demuxers make of it is not all of it."""
    last: bool = False
    """No page of the recording follows."""


@dataclass(frozen=True, slots=True)
class _Page:
    place: int
    flags: int
    stream: int
    number: int
    is_unfinished: bool | None
    """Whether its last packet goes on; None for a page without packets."""


@dataclass(frozen=True, slots=True)
class _DamagedPage:
    place: int
    stream: int | None
    """What it says, right or wrong; None where it ends before."""


def lost_pages(file: MediaFile, index: int) -> list[LostPages]:
    """What is lost of the stream with this index, in the order of the file.

    Raises ItemError(`corrupt`) where more than 10,000 pages are damaged.
    """
    try:
        return _lost(file, index)
    except ValueError as error:
        raise ItemError(ItemReason.CORRUPT, f"{file.name}: {error}") from error


def _lost(file: MediaFile, index: int) -> list[LostPages]:
    found: list[LostPages] = []
    streams: list[int] = []
    heads = unfinished = ended = False
    expected: int | None = None
    damaged: int | None = None
    """Offset of the first damaged page behind the last right one of the stream."""
    with open_file(file) as opened:
        for page in _pages(opened):
            if isinstance(page, _DamagedPage):
                other = page.stream in streams and page.stream != streams[index]
                if expected is not None and not (ended or other) and damaged is None:
                    damaged = page.place
                continue
            if page.flags & _FIRST:
                # Where files are joined, each has streams of its own.
                if not heads:
                    if damaged is not None:
                        found.append(LostPages(damaged, unfinished, last=True))
                    streams, expected, damaged = [], None, None
                streams.append(page.stream)
            heads = bool(page.flags & _FIRST)
            if streams[index : index + 1] != [page.stream]:
                continue
            if expected is not None and page.number != expected:
                found.append(LostPages(page.place, unfinished))
            expected = page.number + 1 & 0xFFFFFFFF
            ended, damaged = bool(page.flags & _LAST), None
            unfinished = unfinished if page.is_unfinished is None else page.is_unfinished
    if damaged is not None:
        found.append(LostPages(damaged, unfinished, last=True))
    return found


class PassedLosses:
    """Counts what is lost of a stream while its packets come by, from any one on."""

    def __init__(self, file: MediaFile, container: str, index: int) -> None:
        self._places = [lost.before for lost in lost_pages(file, index)] if container == "ogg" else []
        self._next: int | None = None

    def before(self, place: int | None) -> int:
        """How many losses lie between the last packet and this one, which begins at an offset."""
        if not self._places or place is None:
            return 0
        begin = place if self._next is None else self._next
        self._next = place + 1
        return max(0, bisect_right(self._places, place) - bisect_left(self._places, begin))

    def behind(self) -> int:
        """How many losses lie behind the last packet, where no more come."""
        return 0 if self._next is None else len(self._places) - bisect_left(self._places, self._next)


def _pages(file: BinaryIO) -> Iterator[_Page | _DamagedPage]:
    """All pages; between them may be anything. Raises ValueError where more than 10,000 are damaged."""
    place = damaged = 0
    while head := _found(file, place):
        place, start = head
        segments = _HEADER.size + start[_HEADER.size - 1] if len(start) >= _HEADER.size else _HEAD
        size = segments + sum(start[_HEADER.size : segments])
        page = start[:size] + file.read(max(0, size - len(start)))
        if len(page) == size and _is_right(page):
            _, _, flags, _, stream, number, _, _ = _HEADER.unpack_from(page)
            lengths = page[_HEADER.size : segments]
            yield _Page(place, flags, stream, number, lengths[-1] == _GOES_ON if lengths else None)
            place += size
            continue
        yield _DamagedPage(place, int.from_bytes(page[_STREAM], "little") if len(page) >= _STREAM.stop else None)
        place += len(_MARK)
        damaged += 1
        if damaged > _MOST_DAMAGED:
            raise ValueError(f"more than {_MOST_DAMAGED} of its pages are damaged")


def _found(file: BinaryIO, place: int) -> tuple[int, bytes] | None:
    """Where the next page begins, and as much of its head as there is; None if there is no more."""
    file.seek(place)
    head = file.read(_HEAD)
    while not head.startswith(_MARK):
        data = head + file.read(_SEARCHED)
        skipped = data.find(_MARK)
        if skipped < 0 and len(data) < _HEAD + _SEARCHED:
            return None
        place += skipped if skipped >= 0 else len(data) - len(_MARK) + 1
        file.seek(place)
        head = file.read(_HEAD)
    return place, head


def _is_right(page: bytes) -> bool:
    """Whether the checksum is that of the page, in which it counts as zeros."""
    told = int.from_bytes(page[_SUM], "little")
    return crc_from_highest(page[: _SUM.start] + bytes(4) + page[_SUM.stop :]) == told
