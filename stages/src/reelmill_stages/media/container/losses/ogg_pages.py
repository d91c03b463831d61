"""Detection of lost pages of an Ogg file by their sequence numbers (RFC 3533).

Demuxers skip pages with a wrong checksum. After the last intact page of a stream there is no gap in the numbers: a loss
shows only as a damaged or truncated page, unless the stream was marked as ended.
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
_CONTINUES = 255
"""Segment length that means that the packet continues in the next segment."""
_STREAM = slice(14, 18)
_CHECKSUM = slice(22, 26)
_HEADER_BYTES = _HEADER.size + 255
"""Maximum bytes of a page header."""
_SEARCH_BYTES = 1 << 16
_MAX_DAMAGED = 10_000


@dataclass(frozen=True, slots=True)
class LostPages:
    """One or more missing pages of a stream."""

    before: int
    """Offset of the next page, or of the first damaged page if no intact page follows."""
    within: bool
    """The page before them begins a packet that continues in them, so demuxers return an incomplete packet."""
    last: bool = False
    """No page of the recording follows."""


@dataclass(frozen=True, slots=True)
class _Page:
    place: int
    flags: int
    stream: int
    number: int
    is_unfinished: bool | None
    """Whether the last packet continues on the next page; None for a page without packets."""


@dataclass(frozen=True, slots=True)
class _DamagedPage:
    place: int
    stream: int | None
    """Stream number in the page, correct or not; None if the page ends before it."""


def lost_pages(file: MediaFile, index: int) -> list[LostPages]:
    """Return the losses of the stream with this index, in file order.

    Raises ItemError(`corrupt`) if more than 10,000 pages are damaged.
    """
    found: list[LostPages] = []
    streams: list[int] = []
    heads = unfinished = ended = False
    expected: int | None = None
    damaged: int | None = None
    """Offset of the first damaged page after the stream's last intact page."""
    for page in _pages(file):
        if isinstance(page, _DamagedPage):
            other = page.stream in streams and page.stream != streams[index]
            if expected is not None and not (ended or other) and damaged is None:
                damaged = page.place
            continue
        if page.flags & _FIRST:
            # In joined files, each part has separate streams.
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


def refuse_chain(file: MediaFile, container: str) -> None:
    """Raise ItemError(`stream_moves`) if an Ogg file is several recordings, one after the other.

    Demuxers return the headers of the next recording as packets of the first, or fail. `container` is the name of the
    file's demuxer; files of others are not read.

    Raises ItemError(`corrupt`) if more than 10,000 pages are damaged.
    """
    if container != "ogg":
        return
    begun = False
    for page in _pages(file):
        if isinstance(page, _DamagedPage):
            continue
        if page.flags & _FIRST and begun:
            raise ItemError(
                ItemReason.STREAM_MOVES,
                f"{file.name} is several Ogg recordings, one after the other; the second begins at byte {page.place}; "
                "split the file there",
            )
        begun = begun or not page.flags & _FIRST


class PassedLosses:
    """Counter of the losses between successive packets of a stream, from any packet on."""

    def __init__(self, file: MediaFile, container: str, index: int) -> None:
        self._places = [lost.before for lost in lost_pages(file, index)] if container == "ogg" else []
        self._next: int | None = None

    def before(self, place: int | None) -> int:
        """Return the number of losses between the last packet and the one that begins at this offset."""
        if not self._places or place is None:
            return 0
        begin = place if self._next is None else self._next
        self._next = place + 1
        return max(0, bisect_right(self._places, place) - bisect_left(self._places, begin))

    def after_last_packet(self) -> int:
        """Return the number of losses after the last packet of the file."""
        return 0 if self._next is None else len(self._places) - bisect_left(self._places, self._next)


def _pages(file: MediaFile) -> Iterator[_Page | _DamagedPage]:
    """Yield all pages, skipping other bytes. Raises ItemError(`corrupt`) if more than 10,000 are damaged."""
    place = damaged = 0
    with open_file(file) as opened:
        while head := _next_page(opened, place):
            place, start = head
            segments = _HEADER.size + start[_HEADER.size - 1] if len(start) >= _HEADER.size else _HEADER_BYTES
            size = segments + sum(start[_HEADER.size : segments])
            page = start[:size] + opened.read(max(0, size - len(start)))
            if len(page) == size and _has_right_checksum(page):
                _, _, flags, _, stream, number, _, _ = _HEADER.unpack_from(page)
                lengths = page[_HEADER.size : segments]
                yield _Page(place, flags, stream, number, lengths[-1] == _CONTINUES if lengths else None)
                place += size
                continue
            yield _DamagedPage(place, int.from_bytes(page[_STREAM], "little") if len(page) >= _STREAM.stop else None)
            place += len(_MARK)
            damaged += 1
            if damaged > _MAX_DAMAGED:
                raise ItemError(ItemReason.CORRUPT, f"{file.name}: more than {_MAX_DAMAGED} of its pages are damaged")


def _next_page(file: BinaryIO, place: int) -> tuple[int, bytes] | None:
    """Return the offset of the next page and the available part of its header; None at the end."""
    file.seek(place)
    head = file.read(_HEADER_BYTES)
    while not head.startswith(_MARK):
        data = head + file.read(_SEARCH_BYTES)
        skipped = data.find(_MARK)
        if skipped < 0 and len(data) < _HEADER_BYTES + _SEARCH_BYTES:
            return None
        place += skipped if skipped >= 0 else len(data) - len(_MARK) + 1
        file.seek(place)
        head = file.read(_HEADER_BYTES)
    return place, head


def _has_right_checksum(page: bytes) -> bool:
    """Whether a page's checksum is correct; the checksum field itself counts as zeros."""
    stored = int.from_bytes(page[_CHECKSUM], "little")
    return crc_from_highest(page[: _CHECKSUM.start] + bytes(4) + page[_CHECKSUM.stop :]) == stored
