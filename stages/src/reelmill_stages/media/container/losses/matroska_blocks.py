"""Detection of lost blocks in Matroska files, by the structure of their elements.

If a length or an identifier is damaged, demuxers skip to the next cluster without an error. The packets in between are
lost, and the packet before them may be cut or may contain others.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_EBML, _SEGMENT, _TRACKS, _CLUSTER, _CUES = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B
_VOID, _CRC = 0xEC, 0xBF
_IN_SEGMENT = frozenset(
    {_CLUSTER, _TRACKS, _CUES, 0x114D9B74, 0x1549A966, 0x1941A469, 0x1043A770, 0x1254C367, _VOID, _CRC}
)
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_NUMBERS = frozenset({0xE7, 0xA7, 0xAB})
"""A cluster's time, position, and the size of the cluster before it."""
_IN_CLUSTER = _NUMBERS | {_SIMPLE_BLOCK, _BLOCK_GROUP, 0xAF, 0x5854, _VOID, _CRC}
_AFTER_CLUSTER = _IN_SEGMENT - _IN_CLUSTER | {_EBML}
_TRACK, _TRACK_NUMBER, _MAY_LACE = 0xAE, 0xD7, 0x9C
_RESERVED, _LACING = 0x70, 0x06
"""Flags of a block."""
_HEAD = 12
"""Bytes of the longest identifier and length."""
_SEARCHED = 64, 1 << 20
"""Bytes that are searched at a time, at first and at most. The least keeps a search between many clusters short."""


class LostBlocks(NamedTuple):
    """The structure is damaged from byte `start` on, and readable again from byte `end`, at most the segment's end."""

    start: int
    end: int


class _Element(NamedTuple):
    kind: int
    start: int
    body: int
    end: int | None
    """None if its length is unknown."""


class _Damaged(Exception):
    """The structure cannot be followed from byte `place` on."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def lost_blocks(file: Path) -> list[LostBlocks]:
    """Return the damaged parts of a Matroska file. Raises OSError."""
    with file.open("rb") as opened:
        return _Walk(opened.fileno()).losses()


class _Walk:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._may_lace: dict[int, bool] = {}
        """The tracks that the file lists, by number, and whether a block may hold several packets of them."""

    def losses(self) -> list[LostBlocks]:
        """Of all segments, if files were appended to each other."""
        found: list[LostBlocks] = []
        place = 0
        while (head := self._element(place)) is not None and head.kind == _EBML and head.end:
            segment = self._element(head.end)
            if segment is None or segment.kind != _SEGMENT:
                break
            self._may_lace.clear()
            place = self._segment_losses(segment, found)
        return found

    def _segment_losses(self, segment: _Element, found: list[LostBlocks]) -> int:
        """Append the losses of a segment; return where it ends."""
        place, end = segment.body, self._size if segment.end is None else min(segment.end, self._size)
        while True:
            try:
                return self._follow_segment(place, end)
            except _Damaged as damage:
                lost = LostBlocks(damage.place, self._next_cluster(damage.place + (damage.place == place), end))
                found.append(lost)
                place = lost.end

    def _follow_segment(self, place: int, end: int) -> int:
        while place < end and not self._is_next_file(place):
            element = self._child(place, end)
            if element is None:
                return end
            if element.kind not in _IN_SEGMENT and self._resembles_cluster(element):
                raise _Damaged(place)
            if element.kind == _TRACKS and element.end is not None:
                self._may_lace.update(self._tracks(element.body, element.end))
            place = self._follow_cluster(element, end) if element.kind == _CLUSTER else element.end or end
        return place

    def _follow_cluster(self, cluster: _Element, end: int) -> int:
        """Return where the cluster ends: one of unknown length does so at the next element of the segment."""
        place = cluster.body
        while place < (cluster.end or end):
            if cluster.end is None and (after := self._element(place)) and after.kind in _AFTER_CLUSTER:
                return place
            element = self._child(place, cluster.end or end)
            if element is None or element.end is None:
                return end
            if element.kind not in _IN_CLUSTER or (element.kind in _NUMBERS and element.end > element.body + 8):
                raise _Damaged(place)
            self._check_block(element, element.end)
            place = element.end
        return place

    def _is_next_file(self, place: int) -> bool:
        """Whether another file was appended, which ends a segment of unknown length."""
        element = self._element(place)
        return element is not None and element.kind == _EBML

    def _resembles_cluster(self, element: _Element) -> bool:
        first = self._element(element.body)
        if first is not None and first.kind == _CRC and first.end is not None:
            first = self._element(first.end)
        return first is not None and first.kind in _NUMBERS

    def _check_block(self, element: _Element, end: int) -> None:
        """Raise _Damaged for a block of an unlisted track, one with wrong flags, and a group without a block."""
        if element.kind == _SIMPLE_BLOCK:
            self._check_track(element.start, element.body)
        if element.kind != _BLOCK_GROUP:
            return
        place = element.body
        block: _Element | None = None
        while place < end and (child := self._element(place)) is not None and child.end is not None:
            block = child if child.kind == _BLOCK else block
            place = child.end
        if block is None or place != end:
            raise _Damaged(element.start)
        self._check_track(element.start, block.body)

    def _check_track(self, start: int, body: int) -> None:
        head = os.pread(self._descriptor, _HEAD, body)
        number = _number(head, 0)
        if number is None or (self._may_lace and number[0] not in self._may_lace):
            raise _Damaged(start)
        flags = (head[number[1] + 2 :] or b"\0")[0]
        if flags & _RESERVED or (flags & _LACING and not self._may_lace.get(number[0] or 0, True)):
            raise _Damaged(start)

    def _tracks(self, place: int, end: int) -> Iterator[tuple[int, bool]]:
        while place < end and (entry := self._element(place)) and entry.end is not None:
            inner = entry.body if entry.kind == _TRACK else entry.end
            values: dict[int, int] = {}
            while inner < entry.end and (field := self._element(inner)) and field.end is not None:
                value = os.pread(self._descriptor, min(8, field.end - field.body), field.body)
                values[field.kind] = int.from_bytes(value)
                inner = field.end
            if _TRACK_NUMBER in values:
                yield values[_TRACK_NUMBER], bool(values.get(_MAY_LACE, 1))
            place = entry.end

    def _child(self, place: int, end: int) -> _Element | None:
        """Return the element at a place; None if the file ends within it.

        Raises _Damaged for what is no element, or ends after its parent. A last cluster may be cut off.
        """
        element = self._element(place)
        if element is not None and (element.end or place) <= end and (element.end or element.kind == _CLUSTER):
            return element
        if end < self._size or self._next_cluster(place + 1, end) < end:
            raise _Damaged(place)
        return element._replace(end=None) if element is not None and element.kind == _CLUSTER else None

    def _element(self, place: int) -> _Element | None:
        head = os.pread(self._descriptor, _HEAD, place)
        if not head or not head[0] >> 4:
            return None
        width = 9 - head[0].bit_length()
        length = _number(head, width)
        if length is None:
            return None
        value, body = length[0], place + width + length[1]
        return _Element(int.from_bytes(head[:width]), place, body, None if value is None else body + value)

    def _next_cluster(self, place: int, end: int) -> int:
        mark = _CLUSTER.to_bytes(4)
        size, most = _SEARCHED
        while place < end:
            found = os.pread(self._descriptor, size, place).find(mark)
            if found >= 0:
                return min(place + found, end)
            place += size - len(mark) + 1
            size = min(2 * size, most)
        return end


def _number(data: bytes, at: int) -> tuple[int | None, int] | None:
    """Return a number of variable length at an offset, None if it is the reserved one, and its bytes; None without."""
    if at >= len(data) or not data[at]:
        return None
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None
    limit = 1 << 7 * width
    value = int.from_bytes(data[at : at + width]) & limit - 1
    return (None if value == limit - 1 else value), width
