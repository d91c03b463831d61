"""Packets that an MPEG transport stream has lost (ISO/IEC 13818-1, 2.4.3): their continuity counters skip a number.

Blu-ray discs and AVCHD camcorders (`.m2ts`, `.mts`) put an arrival time of 4 bytes before each packet of 188 bytes;
broadcasters 16 bytes of error correction behind it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from reelmill_stages.media_file import MediaFile, open_file

SIZE = 188
SYNC = 0x47
_LOOKED_AT = 5
"""Packets by which the form of a stream is told."""
_MOST_PACKETS = 1 << 17
"""Packets that are looked at for one picture: 24 MiB hold any."""


@dataclass(frozen=True, slots=True)
class PacketForm:
    """How the packets of a stream lie in its file."""

    size: int
    """Bytes from one packet to the next."""
    before: int
    """Bytes before each packet that belong to it."""

    @property
    def told(self) -> int:
        """Bytes by which a packet lies behind the offset that FFmpeg tells for it."""
        return self.size - SIZE


_FORMS = (PacketForm(SIZE, 0), PacketForm(192, 4), PacketForm(204, 0))


def packet_form(file: BinaryIO) -> PacketForm | None:
    """The form of a transport stream, by its first packets; None for other files."""
    file.seek(0)
    head = file.read(_LOOKED_AT * max(form.size for form in _FORMS))
    syncs = {form: [byte == SYNC for byte in head[form.before :: form.size][:_LOOKED_AT]] for form in _FORMS}
    forms = [form for form in _FORMS if syncs[form][:1] == [True]]
    return max(forms, key=lambda form: sum(syncs[form]), default=None)


@dataclass(frozen=True, slots=True)
class TransportPacket:
    """One packet of a stream, with payload."""

    place: int
    """Offset in the file, as FFmpeg tells it."""
    begins: bool
    """Whether a PES packet, which is a picture here, begins with it."""
    counter: int
    jumps: bool
    """The stream says itself that the counter is not continued."""
    scrambled: bool
    """Its payload is encrypted."""
    is_filled_up: bool
    """It has stuffing, as the last one of a PES packet has, unless this ends with it by chance."""

    def follows(self, before: "TransportPacket") -> bool:
        """Whether nothing is lost between the two; a packet may come twice."""
        return self.jumps or self.counter in (before.counter, before.counter + 1 & 0xF)


def is_scrambled(path: MediaFile, pid: int) -> bool:
    """Whether the first packets of the stream `pid` are encrypted."""
    return any(packet.scrambled for packet in islice(_packets(path, pid, 0), _LOOKED_AT))


def lost_at_first(path: MediaFile, pid: int) -> bool:
    """Whether a transport stream lost packets of the first picture of the stream `pid`.

    Demuxers tell it only of later pictures.
    """
    before: TransportPacket | None = None
    for packet in _packets(path, pid, 0):
        if before is not None and not packet.follows(before):
            return True
        if packet.begins and before is not None:
            return False
        if packet.begins or before is not None:
            before = packet
    return False


def lost_within(path: MediaFile, pid: int, place: int | None) -> bool:
    """Whether packets of the picture are lost that begins at this offset. True where that cannot be told.

    Where recordings are joined, the counter is not continued either, but with the next picture, and the one before it
    is complete: its last packet is filled up.
    """
    if place is None:
        return True
    before: TransportPacket | None = None
    for packet in _packets(path, pid, place):
        if before is None:
            if not packet.begins or packet.place != place:
                return True
        elif packet.begins:
            return not (packet.follows(before) or before.is_filled_up)
        elif not packet.follows(before):
            return True
        before = packet
    return before is None


def _packets(path: MediaFile, pid: int, place: int) -> Iterator[TransportPacket]:
    """The packets of a stream with payload, from an offset on, up to bytes that are none.

    The offset is one that FFmpeg tells, or 0 for the beginning.
    """
    with open_file(path) as file:
        # A recording may begin within a packet.
        form = packet_form(file) or _FORMS[0]
        begin = place + form.told if place else form.before
        for number in range(_MOST_PACKETS):
            at = begin + number * form.size
            file.seek(at)
            packet = file.read(SIZE)
            if len(packet) < SIZE or packet[0] != SYNC:
                return
            if (packet[1] & 0x1F) << 8 | packet[2] != pid or not packet[3] & 0x10:
                continue
            adapts = bool(packet[3] & 0x20)
            yield TransportPacket(
                place=at - form.told,
                begins=bool(packet[1] & 0x40),
                counter=packet[3] & 0xF,
                scrambled=bool(packet[3] & 0xC0),
                jumps=adapts and packet[4] > 0 and bool(packet[5] & 0x80),
                is_filled_up=adapts and packet[4] != _fields(packet[5]) + 1,
            )


def _fields(flags: int) -> int:
    """Bytes of the fields of an adaptation field: two clocks, and a countdown."""
    return 6 * bool(flags & 0x10) + 6 * bool(flags & 0x08) + bool(flags & 0x04)
