"""Verification of packets against the index of their container, for timelines that were read from the index alone.

Such a timeline assumes that every packet is one visible picture, that decoding may begin at key flags, and that
presentation times give the order of the pictures. The bits of all packets that are used must confirm this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

from reelmill_stages.media.bitstream.readers import reader
from reelmill_stages.media.bitstream.units import Order, Unknown
from reelmill_stages.media.timeline.packet_table import PacketTable
from reelmill_stages.media_file import MediaFile, WholeFileNeeded

Numbered = tuple[int, Any]
"""A packet and its number in the table."""


def checked(file: MediaFile, video: VideoStream, table: PacketTable, packets: Iterable[Numbered]) -> Iterator[Numbered]:
    """Yield packets from a key packet on in decode order, after checking their group of pictures.

    Packets of a local file are passed through, because its timeline was read from them. Raises WholeFileNeeded if the
    bits contradict the index.
    """
    return iter(packets) if isinstance(file, Path) else _checked_packets(file.name, video, table, packets)


def _checked_packets(
    name: str, video: VideoStream, table: PacketTable, packets: Iterable[Numbered]
) -> Iterator[Numbered]:
    check = _Check(name, video, table)
    group: list[Numbered] = []
    for number, packet in packets:
        if table.keys[number] and group:
            check.end()
            yield from group
            group = []
        check.take(number, packet)
        group.append((number, packet))
    check.end()
    yield from group


def expect(file: MediaFile, table: PacketTable, runs: Sequence[tuple[int, int]]) -> None:
    """Announce the next reads of packets of a remote file: `runs`, by first and last number.

    Raises WholeFileNeeded if they are most of the file.
    """
    if isinstance(file, Path):
        return
    ranges = []
    for first, last in runs:
        places = [
            (place, place + table.sizes[number])
            for number, place in enumerate(table.places[first : last + 1], first)
            if place is not None
        ]
        if places:
            ranges.append(range(min(start for start, _ in places), max(end for _, end in places)))
    file.expect(ranges)


class _Check:
    def __init__(self, name: str, video: VideoStream, table: PacketTable) -> None:
        self._name = name
        self._table = table
        codec = video.codec_context
        self._reader: Any = reader(codec.codec.canonical_name, codec.extradata or b"")
        self._first: int | None = None
        self._key = 0
        self._orders: list[tuple[int, Order]] = []

    def take(self, number: int, packet: Packet[VideoStream]) -> None:
        """Add the next packet."""
        try:
            unit = self._reader.read(memoryview(packet))
        except Unknown as error:
            raise self._contradiction(number, str(error)) from error
        table = self._table
        if table.keys[number]:
            self._key = number
        if self._first is None:
            self._first = number
        if unit.entry is not table.keys[number]:
            raise self._contradiction(number, "it is no key frame" if table.keys[number] else "it is a key frame")
        if unit.independent and table.starts[number] != self._key:
            raise self._contradiction(number, "it needs nothing from before the key frame")
        if table.pts[number] < table.pts[self._first]:
            # Shown before the key packet at which this read began, so not needed.
            return
        if not unit.shown or unit.order is None:
            raise self._contradiction(number, "it shows no picture")
        self._orders.append((table.pts[number], unit.order))

    def end(self) -> None:
        """Check the group after its last packet."""
        sorted_orders = [order for _, order in sorted(self._orders)]
        if any(before >= after for before, after in pairwise(sorted_orders)):
            raise WholeFileNeeded(f"{self._name}: times of presentation are in another order than the pictures")
        if getattr(self._reader, "turn", None) or getattr(self._reader, "layered", False):
            raise WholeFileNeeded(f"{self._name}: packets contain information that the index lacks")
        self._orders.clear()

    def _contradiction(self, number: int, what: str) -> WholeFileNeeded:
        return WholeFileNeeded(f"{self._name}: packet {number} is not what the index says: {what}")
