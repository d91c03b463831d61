"""Seeds of media targets: small films in every container, and their packets."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import av

import footage
from fuzz.targets.scratch import SEPARATOR

Seeds = Iterator[tuple[str, bytes]]
"""(target, input)."""

_PICTURES = ("-f", "lavfi", "-i", "testsrc=s=32x32:r=10:d=0.8")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000:duration=0.8")
_PLAIN = ("-threads", "1", "-fflags", "+bitexact", "-flags", "+bitexact")
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-g", "4", "-x264-params", "threads=1")
_X265 = ("-c:v", "libx265", "-x265-params", "log-level=0:pools=none:frame-threads=1:keyint=4:bframes=2:info=0")
_FILMS: dict[str, tuple[str, ...]] = {
    "a.mp4": (*_SOUND, *_X264, "-bf", "2", "-c:a", "aac", "-b:a", "16k"),
    "fragments.mp4": (*_X264, "-bf", "0", "-movflags", "+frag_keyframe+empty_moov"),
    "a.mov": ("-c:v", "mjpeg", "-q:v", "20", "-pix_fmt", "yuvj420p"),
    "hevc.mp4": _X265,
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-crf", "60", "-svtav1-params", "lp=1"),
    "a.mkv": (*_SOUND, *_X264, "-bf", "2", "-c:a", "libvorbis"),
    "hevc.mkv": _X265,
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-b:v", "10k", "-g", "4"),
    "vp8.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "10k", "-g", "4"),
    "a.ts": (*_SOUND, *_X264, "-bf", "2", "-c:a", "mp2", "-b:a", "32k", "-ar", "16000"),
    "a.m2ts": (*_X264, "-bf", "2", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-bf", "2", "-g", "4", "-q:v", "20"),
    "a.mpg": ("-c:v", "mpeg1video", "-g", "4", "-q:v", "20", "-r", "25"),
    "a.avi": (*_SOUND, "-c:v", "mpeg4", "-bf", "1", "-g", "4", "-q:v", "20", "-c:a", "libmp3lame", "-ar", "16000"),
    "a.flv": (*_X264, "-bf", "2"),
    "a.ogv": ("-c:v", "libtheora", "-q:v", "1"),
    "a.h264": _X264,
    "a.hevc": _X265,
    "a.gif": ("-pix_fmt", "rgb8"),
}
_HEADS = 512
_CODECS = {"h264": "h264", "hevc": "hevc", "av1": "av1", "vp8": "vp8", "vp9": "vp9", "mpeg4": "mpeg4",
           "mpeg2video": "mpeg2", "mpeg1video": "mpeg2"}  # fmt: skip
_LARGEST, _PACKET = 16384, 200


def seeds() -> Seeds:
    """The seeds of containers and bitstreams."""
    with tempfile.TemporaryDirectory() as folder:
        for name, options in _FILMS.items():
            path = Path(folder, name)
            inputs = _PICTURES if name != "a.mpg" else (*_PICTURES[:3], "testsrc=s=32x32:r=25:d=0.4")
            footage.ffmpeg(*inputs, *options, *_PLAIN, str(path))
            data = path.read_bytes()
            yield "extent", data[:_HEADS]
            if len(data) <= _LARGEST:
                yield "media-file", data
                yield "media-clip", data
                yield "media-file", data[: len(data) * 2 // 3]
            if path.suffix in {".ts", ".m2ts"}:
                size = 188 if path.suffix == ".ts" else 192
                packets = data[: 8 * size]
                yield "transport-packets", (3 * size).to_bytes(2, "big") + SEPARATOR + packets
                yield (
                    "transport-packets",
                    (3 * size).to_bytes(2, "big") + SEPARATOR + packets[: 4 * size] + packets[5 * size :],
                )
            if path.suffix in {".mp4", ".mov"}:
                if len(data) <= _LARGEST:
                    yield "media-by-ranges", data
                yield "edit-list", (1000).to_bytes(8, "big") + SEPARATOR + _without_samples(data)
            yield from _packets(path)
    for number in range(6):
        yield "packet-table", bytes([number]) + b"\0\0\x5a\0\x02\x20\x90" + _table(number)
    yield "nal-units", b"\x04" + b"\0\0\0\x05\x06\x06\x01\xc4\x80" + b"\0\0\0\x06\x4e\x01\x2f\x03\x00\x40"
    yield "nal-units", b"\0\0\0\x01\x06\x06\x01\xc4\x80\0\0\x01\x67\x42\0\x0a"


def _packets(path: Path) -> Seeds:
    """Extradata and the heads of a few packets, which is all that readers use."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        target = _CODECS.get(video.codec_context.codec.canonical_name)
        if target is None:
            return
        extradata = video.codec_context.extradata or b""
        packets = [bytes(packet) for packet in container.demux(video) if packet.size][:6]
        # Lengths before the units must be consistent, so short packets are complete.
        yield target, SEPARATOR.join([extradata, *(packet for packet in packets if len(packet) < 4 * _PACKET)])
        yield target, SEPARATOR.join([extradata, *(packet[:_PACKET] for packet in packets[:3])])


def _without_samples(data: bytes) -> bytes:
    """An mp4 without samples, of which only the boxes are used."""
    made, at = b"", 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        made += b"\0\0\0\x08mdat" if data[at + 4 : at + 8] == b"mdat" else data[at : at + size]
        at += size
    return made


def _table(number: int) -> bytes:
    """Packets in decode order: a key frame, and then frames that are reordered by `number`."""
    rows = b""
    for place in range(12):
        pts = place * 1000 + (place % 3) * number * 500
        rows += pts.to_bytes(4, "little") + (place * 1000).to_bytes(4, "little") + b"\x64\0" + bytes([place % 4 == 0])
    return rows
