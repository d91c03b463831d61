"""What one packet holds (`Unit`), and which reader knows a codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Order = tuple[int, ...]
"""Compares as pictures are shown; values mean nothing else."""


class Unknown(Exception):
    """The bits do not tell what a plan must know; the message says what, as part of a sentence."""


class DamagedPacket(Unknown):
    """One packet is not what the codec prescribes; those around it may be."""


@dataclass(slots=True)
class Unit:
    """One packet: nothing to see, or one picture.

    `entry`: decoding may begin here, and gives this picture and all that are shown after it bit for bit.
    `independent`: shown before the entry that it follows, and yet decodable from there.
    `droppable`: no other picture depends on it. `order` is None where the packet is damaged.
    """

    shown: bool
    entry: bool
    order: Order | None
    independent: bool = False
    droppable: bool = False


class UnitReader(Protocol):
    """Reads the packets of one stream in decode order."""

    def read(self, data: memoryview) -> Unit:
        """The next packet. Raises Unknown where it is not one picture in a place that is told, and DamagedPacket."""
        ...


def reader(codec: str, extradata: bytes) -> UnitReader:
    """The reader for a codec (FFmpeg's name). Raises Unknown for codecs that nothing here reads."""
    from reelmill_stages.media.bitstream import av1, h264, hevc, intra, mpeg4, mpeg12, vpx

    if codec == "h264":
        return h264.Reader(extradata)
    if codec == "hevc":
        return hevc.Reader(extradata)
    if codec in {"mpeg2video", "mpeg1video"}:
        return mpeg12.Reader(extradata)
    if codec == "mpeg4":
        return mpeg4.Reader(extradata)
    if codec == "vp8":
        return vpx.Vp8()
    if codec == "vp9":
        return vpx.Vp9()
    if codec in {"av1", "libdav1d"}:
        return av1.Reader(extradata)
    if codec in intra.CODECS:
        return intra.Reader()
    raise Unknown(f"the order and the references of {codec} pictures are not read")
