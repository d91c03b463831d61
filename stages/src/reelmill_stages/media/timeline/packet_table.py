"""The packets of a stream, read once from the first to the last: container fields and the contents of their bits."""

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
from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.container.demux import packets
from reelmill_stages.media.container.losses.ogg_pages import refuse_chain
from reelmill_stages.media.container.transport_packets import is_scrambled
from reelmill_stages.media.timeline.shape import Shape, shape_of
from reelmill_stages.media_file import MediaFile, WholeFileNeeded


@dataclass(slots=True)
class Row:
    """The container's fields of one packet; `unit` is the content of its bits, None if they were not understood."""

    pts: int | None
    dts: int | None
    key: bool
    size: int
    place: int | None
    duration: int
    hidden: bool
    disposable: bool
    corrupt: bool
    """Whether the demuxer reported a loss while reading it."""
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class PacketTable:
    """All packets of the stream in decode order, one entry each in every tuple."""

    pts: tuple[int, ...]
    """Ticks. Without a time in the container, the time of the previous packet; such packets are not separate frames."""
    keys: tuple[bool, ...]
    """True if decoding may begin at the packet."""
    sizes: tuple[int, ...]
    """Bytes."""
    places: tuple[int | None, ...]
    """Byte offsets in the file, if known; they identify packets after a seek."""
    starts: tuple[int | None, ...]
    """Number of the key packet from which each packet can be decoded."""

    @classmethod
    def of(cls, rows: Sequence[Row], entries: Sequence[bool], starts: Sequence[int | None]) -> Self:
        """Build the table; `entries` marks the packets at which decoding may begin."""
        latest = 0
        times = [latest := latest if row.pts is None else row.pts for row in rows]
        sizes, places = (row.size for row in rows), (row.place for row in rows)
        return cls(tuple(times), tuple(entries), tuple(sizes), tuple(places), tuple(starts))

    def follows(self, number: int, packets: Iterable[Packet[VideoStream]]) -> bool:
        """Whether these are the packets from `number` on; after a seek, demuxers may omit some."""
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
    """The packets of a stream as they are read, and what their bits leave open."""

    def __init__(self, container: InputContainer, video: VideoStream) -> None:
        self._shape = shape_of(container, video)
        self.rows: list[Row] = []
        self.steady = True
        self.unknown = ""
        """Why the bits of packets are not read; empty if they are."""
        self.unread: dict[int, str] = {}
        """Packets whose bits lack information that a plan needs, by number, with the missing information."""
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
        """The shape of the stream's pictures, by the container and the bits that were read."""
        turn = self._turn_of_stream.turn
        return replace(self._shape, turn=turn, turned_by_bits=True) if turn and not self._shape.turned else self._shape

    @property
    def turn_changes(self) -> bool:
        """Whether pictures have different orientations that only the bits contain."""
        return self._turn_of_stream.changes and not self._shape.turned

    @property
    def _turn_of_stream(self) -> TurnOfStream:
        return getattr(self._reader, "turned", TurnOfStream())

    @property
    def layered(self) -> bool:
        """Whether pictures that nothing in their own layer depends on may be needed by other layers."""
        return bool(getattr(self._reader, "layered", False))

    def add_listed(self, packet: Packet[VideoStream]) -> None:
        """Add the next packet in decode order, with only the fields of the index."""
        order = None if packet.pts is None else (packet.pts,)
        self._append(packet, Unit(shown=True, entry=False, order=order), key=False)

    def list_keys(self, places: Collection[int]) -> None:
        """Mark the packets at these offsets as key frames, according to the index."""
        for row in self.rows:
            if row.place in places and row.unit is not None:
                row.key = row.unit.entry = True

    def add(self, packet: Packet[VideoStream]) -> None:
        """Add the next packet in decode order."""
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
"""Codecs with one picture in each mp4 sample. VP8 is excluded: a sample may be a reference that is not shown."""
_SMALLEST = {"mpeg4": 64}
"""Bytes; a smaller sample may be a plane that is not coded and repeats the previous picture."""


def see(file: MediaFile, container: InputContainer, video: VideoStream) -> Seen:
    """Read all packets of the stream; for a remote file, from the index of its container.

    Raises the errors of `packets`, ItemError(`encrypted`, `turn_changes`, `stream_moves`), and WholeFileNeeded if the
    index does not determine the frames.
    """
    if container.format.name == "mpegts" and is_scrambled(file, video.id):
        raise ItemError(ItemReason.ENCRYPTED, f"the pictures of {file.name} are scrambled by their broadcaster")
    refuse_moves(file, container.format.name, video.id)
    refuse_chain(file, container.format.name)
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
    # Demuxers of fragmented files have all key frames only at the end.
    seen.list_keys({entry.pos for entry in video.index_entries if entry.is_keyframe and entry.size})
    return seen
