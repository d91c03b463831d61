"""The packets of a stream, read once from the first to the last: what each says of itself, and what its bits say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Self

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.bitstream.intra import CODECS as INTRA
from reelmill_stages.media.bitstream.readers import reader
from reelmill_stages.media.bitstream.sei import TurnOfStream
from reelmill_stages.media.bitstream.units import DamagedPacket, Unit, UnitReader, Unknown
from reelmill_stages.media.container.demux import packets
from reelmill_stages.media.container.transport_packets import is_scrambled
from reelmill_stages.media.timeline.shape import Shape, shape_of
from reelmill_stages.media_file import MediaFile, WholeFileNeeded


@dataclass(slots=True)
class Row:
    """What one packet says of itself; `unit` is what its bits say, None where they were not understood."""

    pts: int | None
    dts: int | None
    key: bool
    size: int
    place: int | None
    duration: int
    hidden: bool
    disposable: bool
    corrupt: bool
    """Whether the demuxer missed something while it read."""
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class PacketTable:
    """All packets of the stream in decode order, one entry each in every tuple."""

    pts: tuple[int, ...]
    """Ticks; where the container gives none, those of the packet before: such packets are no frames of their own."""
    keys: tuple[bool, ...]
    """True where decoding may begin."""
    sizes: tuple[int, ...]
    """Bytes."""
    places: tuple[int | None, ...]
    """Byte offset in the file, where known: tells packets apart after a seek."""
    starts: tuple[int | None, ...]
    """Number of the key packet from which each can be decoded."""

    @classmethod
    def of(cls, rows: Sequence[Row], entries: Sequence[bool], starts: Sequence[int | None]) -> Self:
        """The table of packets, of which `entries` are those at which decoding may begin."""
        latest = 0
        times = [latest := latest if row.pts is None else row.pts for row in rows]
        sizes, places = (row.size for row in rows), (row.place for row in rows)
        return cls(tuple(times), tuple(entries), tuple(sizes), tuple(places), tuple(starts))

    def follows(self, number: int, packets: Iterable[Packet[VideoStream]]) -> bool:
        """Whether these are the packets from `number` on: after a seek, demuxers may leave some out."""
        listed = range(number, len(self.pts))
        return all(self.holds(own, packet) for own, packet in zip(listed, packets, strict=False))

    def holds(self, number: int, packet: Packet[VideoStream]) -> bool:
        """Whether a packet that was read again is this one."""
        return (
            packet.pos == self.places[number]
            and packet.size == self.sizes[number]
            and (packet.pts is None or packet.pts == self.pts[number])
        )


class Seen:
    """The packets of a stream as they come by, and what their bits left open."""

    def __init__(self, container: InputContainer, video: VideoStream) -> None:
        self._shape = shape_of(container, video)
        self.rows: list[Row] = []
        self.steady = True
        self.unknown = ""
        """Why no packet is read; empty where they are."""
        self.unread: dict[int, str] = {}
        """Packets whose bits leave open what a plan must know, by number, and what that is."""
        self._time_base = video.time_base or Fraction(1, 1)
        self._reader: UnitReader | None = None
        try:
            codec = video.codec_context
            if codec.codec.canonical_name == "rawvideo" and codec.pix_fmt == "pal8":
                raise Unknown("packets change the palette that others use")
            self._reader = reader(codec.codec.canonical_name, codec.extradata or b"")
        except Unknown as error:
            self.unknown = str(error)

    @property
    def end(self) -> float:
        """Second of the container's clock at which the last picture ends."""
        ends = (row.pts + row.duration for row in self.rows if row.pts is not None)
        return float(max(ends, default=0) * self._time_base)

    @property
    def shape(self) -> Shape:
        """Of the stream's pictures, by the container and the bits that were read."""
        turn = self._turned.turn
        return replace(self._shape, turn=turn, turned_by_bits=True) if turn and not self._shape.turned else self._shape

    @property
    def turn_changes(self) -> bool:
        """Whether some pictures are another way up than others, and only the bits that were read tell it."""
        return self._turned.changes and not self._shape.turned

    @property
    def _turned(self) -> TurnOfStream:
        return getattr(self._reader, "turned", TurnOfStream())

    @property
    def layered(self) -> bool:
        """Whether pictures that nothing of their own layer depends on may be needed by others."""
        return bool(getattr(self._reader, "layered", False))

    def add_listed(self, packet: Packet[VideoStream]) -> None:
        """The next packet in decode order, of which only what the index says is known."""
        order = None if packet.pts is None else (packet.pts,)
        self._append(packet, Unit(shown=True, entry=False, order=order), key=False)

    def list_keys(self, places: Collection[int]) -> None:
        """Where the packets lie that the index calls key frames."""
        for row in self.rows:
            if row.place in places and row.unit is not None:
                row.key = row.unit.entry = True

    def add(self, packet: Packet[VideoStream]) -> None:
        """The next packet in decode order."""
        unit = None
        if not self.unknown and self._reader is not None:
            try:
                unit = self._reader.read(memoryview(packet))
            except DamagedPacket:
                unit = Unit(shown=True, entry=False, order=None)
            except Unknown as error:
                self.unread[len(self.rows)] = str(error)
        self._append(packet, unit, key=packet.is_keyframe)

    def _append(self, packet: Packet[VideoStream], unit: Unit | None, *, key: bool) -> None:
        self.steady = self.steady and (not self.rows or not packet.has_sidedata("new_extradata"))
        self.rows.append(
            Row(
                pts=packet.pts,
                dts=packet.dts,
                key=key,
                size=packet.size,
                place=packet.pos,
                duration=packet.duration or 0,
                hidden=packet.is_discard,
                disposable=packet.is_disposable,
                corrupt=packet.is_corrupt,
                unit=unit,
            )
        )


CODECS = frozenset({"h264", "hevc", "av1", "libdav1d", "vp9", "mpeg4"}) | frozenset(INTRA)
"""Codecs of which an mp4 holds one picture in each sample. In VP8, a sample may be a reference that is not shown."""
_SMALLEST = {"mpeg4": 64}
"""Bytes; a smaller sample may be a plane that is not coded, and shows nothing new."""


def see(file: MediaFile, container: InputContainer, video: VideoStream) -> Seen:
    """All packets of the stream; those of a remote file by the index of its container.

    Raises what `packets` raises, ItemError(`encrypted`, `turn_changes`), and WholeFileNeeded where the index does not
    tell which frames there are.
    """
    if container.format.name == "mpegts" and is_scrambled(file, video.id):
        raise ItemError(ItemReason.ENCRYPTED, f"the pictures of {file.name} are scrambled by their broadcaster")
    seen = Seen(container, video)
    if isinstance(file, Path):
        for packet in packets(file, container, video):
            seen.add(packet)
        if seen.turn_changes:
            raise ItemError(
                ItemReason.TURN_CHANGES, f"{file.name}: later pictures have another orientation than the first"
            )
        return seen
    codec = video.codec_context.codec.canonical_name
    if seen.unknown or codec not in CODECS:
        raise WholeFileNeeded(f"{file.name}: the index does not tell the pictures of this codec")
    with file.index_only():
        for packet in packets(file, container, video):
            seen.add_listed(packet)
    if any(row.size < _SMALLEST.get(codec, 0) for row in seen.rows):
        raise WholeFileNeeded(f"{file.name}: the index lists samples that may show nothing new")
    # Demuxers of fragments know all of them only at the end.
    seen.list_keys({entry.pos for entry in video.index_entries if entry.is_keyframe and entry.size})
    return seen
