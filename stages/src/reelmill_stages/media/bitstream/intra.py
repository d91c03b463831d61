"""Codecs of which every picture stands for itself."""

from reelmill_stages.media.bitstream.units import Unit

CODECS = frozenset(
    {
        "mjpeg", "mjpegb", "ljpeg", "jpegls", "jpeg2000", "prores", "dnxhd", "dvvideo", "huffyuv", "ffvhuff", "utvideo",
        "magicyuv", "cfhd", "v210", "v308", "v408", "v410", "rawvideo", "hap", "png", "bmp", "tiff", "webp",
    }
)  # fmt: skip
"""FFmpeg's names."""


class IntraReader:
    """One packet, one picture."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: memoryview) -> Unit:
        self._count += 1
        return Unit(shown=True, entry=True, order=(self._count,), droppable=True)
