"""Targets for headers of codecs: extradata, followed by packets in decode order."""

from collections.abc import Callable
from contextlib import suppress

from fuzz.targets.scratch import SEPARATOR
from reelmill_stages.media.bitstream.nal_lengths import is_whole
from reelmill_stages.media.bitstream.nal_units import of_packet
from reelmill_stages.media.bitstream.readers import reader
from reelmill_stages.media.bitstream.sei import messages, recovers_exactly, turn
from reelmill_stages.media.bitstream.units import DamagedPacket, Unknown


def _packets(codec: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        extradata, *packets = data.split(SEPARATOR)
        with suppress(Unknown):
            unit_reader = reader(codec, extradata)
            for packet in filter(None, packets):
                with suppress(DamagedPacket):
                    unit = unit_reader.read(memoryview(packet))
                    assert unit.order is None or unit.order == unit.order

    return run


h264 = _packets("h264")
hevc = _packets("hevc")
av1 = _packets("av1")
vp8 = _packets("vp8")
vp9 = _packets("vp9")
mpeg4 = _packets("mpeg4")
mpeg2 = _packets("mpeg2video")


def nal_units(data: bytes) -> None:
    """Units by length or start code, and the messages (SEI) inside them."""
    size, packet = data[0] % 5 if data else 0, memoryview(data[1:])
    if size:
        is_whole(packet, size)
    with suppress(Unknown):
        for unit in of_packet(packet, size):
            for kind, payload in messages(bytes(unit)):
                recovers_exactly(kind, payload)
                turn(kind, payload)
