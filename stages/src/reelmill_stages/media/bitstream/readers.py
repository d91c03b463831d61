"""Selection of the reader for a codec."""

from reelmill_stages.media.bitstream import av1, ffv1, h264, hevc, intra, mpeg4, mpeg12, vpx
from reelmill_stages.media.bitstream.units import UnitReader, Unknown


def reader(codec: str, extradata: bytes) -> UnitReader:
    """Return the reader for a codec (FFmpeg's name). Raises Unknown for unsupported codecs."""
    if codec == "h264":
        return h264.H264Reader(extradata)
    if codec == "hevc":
        return hevc.HevcReader(extradata)
    if codec in {"mpeg2video", "mpeg1video"}:
        return mpeg12.Mpeg12Reader(extradata)
    if codec == "mpeg4":
        return mpeg4.Mpeg4Reader(extradata)
    if codec == "vp8":
        return vpx.Vp8()
    if codec == "theora":
        return vpx.Theora()
    if codec == "vp9":
        return vpx.Vp9()
    if codec in {"av1", "libdav1d"}:
        return av1.Av1Reader(extradata)
    if codec == "ffv1":
        return ffv1.Ffv1Reader(extradata)
    if codec == "mjpeg":
        return intra.MjpegReader()
    if codec in intra.CODECS:
        return intra.IntraReader()
    raise Unknown(f"the order and the references of {codec} pictures are not read")
