"""Detection of lost packets in MPEG transport streams by their continuity counters (ISO/IEC 13818-1, 2.4.3).

Blu-ray discs and AVCHD camcorders (`.m2ts`, `.mts`) put an arrival time of 4 bytes before each packet of 188 bytes;
broadcasters append 16 bytes of error correction.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from reelmill_stages.media_file import MediaFile, open_file

SIZE = 188
SYNC = 0x47
_EXAMINED_PACKETS = 5
"""Number of packets by which the format is detected."""
_MAX_PACKETS = 1 << 17
"""Maximum number of packets that are examined for one picture; 24 MiB are enough for any picture."""


@dataclass(frozen=True, slots=True)
class PacketForm:
    """Layout of the packets of a stream in its file."""

    size: int
    """Bytes from one packet to the next."""
    before: int
    """Bytes that belong to each packet and precede it."""

    @property
    def reported_before(self) -> int:
        """Bytes from the offset that FFmpeg reports for a packet to the packet itself."""
        return self.size - SIZE


_FORMS = (PacketForm(SIZE, 0), PacketForm(192, 4), PacketForm(204, 0))


def packet_form(file: BinaryIO) -> PacketForm | None:
    """Detect the layout of a transport stream by its first packets; None for other files."""
    file.seek(0)
    head = file.read(_EXAMINED_PACKETS * max(form.size for form in _FORMS))
    syncs = {form: [byte == SYNC for byte in head[form.before :: form.size][:_EXAMINED_PACKETS]] for form in _FORMS}
    forms = [form for form in _FORMS if syncs[form][:1] == [True]]
    return max(forms, key=lambda form: sum(syncs[form]), default=None)


@dataclass(frozen=True, slots=True)
class TransportPacket:
    """A packet of a stream, with payload."""

    place: int
    """Offset in the file, as FFmpeg reports it."""
    begins: bool
    """Whether a PES packet, which is a picture here, begins with it."""
    counter: int
    jumps: bool
    """The stream marks the counter as discontinuous."""
    scrambled: bool
    """The payload is encrypted."""
    is_filled_up: bool
    """The packet has stuffing. The last packet of a PES packet has, unless the sizes match by chance."""

    def follows(self, before: "TransportPacket") -> bool:
        """Whether no packet is lost between the two; a packet may be repeated once."""
        return self.jumps or self.counter in (before.counter, before.counter + 1 & 0xF)


def is_scrambled(path: MediaFile, pid: int) -> bool:
    """Whether the first packets of stream `pid` are encrypted."""
    return any(packet.scrambled for packet in islice(_packets(path, pid, 0), _EXAMINED_PACKETS))


def lost_at_first(path: MediaFile, pid: int) -> bool:
    """Whether a transport stream lost packets of the first picture of stream `pid`.

    Demuxers report this only for later pictures.
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
    """Whether packets of the picture that begins at this offset are lost. True if unknown.

    Where recordings are joined, the counter is discontinuous as well, but then the next picture begins and the one
    before it is complete: its last packet has stuffing.
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
    """Yield the packets of a stream with payload from an offset on; stops at bytes that are not a packet.

    The offset is one that FFmpeg reported, or 0 for the beginning.
    """
    with open_file(path) as file:
        # A recording may begin in the middle of a packet.
        form = packet_form(file) or _FORMS[0]
        begin = place + form.reported_before if place else form.before
        for number in range(_MAX_PACKETS):
            at = begin + number * form.size
            file.seek(at)
            packet = file.read(SIZE)
            if len(packet) < SIZE or packet[0] != SYNC:
                return
            if (packet[1] & 0x1F) << 8 | packet[2] != pid or not packet[3] & 0x10:
                continue
            adapts = bool(packet[3] & 0x20)
            yield TransportPacket(
                place=at - form.reported_before,
                begins=bool(packet[1] & 0x40),
                counter=packet[3] & 0xF,
                scrambled=bool(packet[3] & 0xC0),
                jumps=adapts and packet[4] > 0 and bool(packet[5] & 0x80),
                is_filled_up=adapts and packet[4] != _clock_fields_size(packet[5]) + 1,
            )


def _clock_fields_size(flags: int) -> int:
    """Return the bytes of the fields of an adaptation field: two clocks, and a countdown."""
    return 6 * bool(flags & 0x10) + 6 * bool(flags & 0x08) + bool(flags & 0x04)
