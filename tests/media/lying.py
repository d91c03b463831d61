"""Films whose container lies, or says what few containers say: 64x48, 10 frames a second, each shows its number.

Made of packets and boxes by hand, as the careless muxers do whose files people have.
"""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

import footage

X264 = ("-c:v", "libx264", "-g", "10")
BASE = ("-threads", "1", "-fflags", "+bitexact")


def source(frames: int) -> tuple[str, ...]:
    """Arguments of ffmpeg for so many numbered frames."""
    pattern = "40+170*mod(floor(N/pow(2,floor(X/8))),2)"
    graph = f"nullsrc=s=64x48:r=10:d={frames / 10},geq=lum='{pattern}':cb=128:cr=128,format=yuv420p"
    return ("-f", "lavfi", "-i", graph)


def number(luma: bytes, line: int) -> int:
    """The number that a grey picture of 64x48 shows: column k of 8 pixels is bright where bit k is set."""
    row = luma[24 * line : 24 * line + 64]
    return sum(1 << bit for bit in range(8) if sum(row[bit * 8 + 2 : bit * 8 + 6]) > 4 * 125)


def shows(frame: av.VideoFrame) -> int:
    """The number that a decoded frame shows."""
    grey = frame.reformat(width=64, height=48, format="gray")
    return number(bytes(grey.planes[0]), grey.planes[0].line_size)


def shown(path: Path) -> list[int]:
    """The numbers of all frames of a file, by a full decode."""
    with av.open(str(path)) as container:
        return [shows(frame) for frame in container.decode(video=0)]


def all_sync(codec: str, folder: Path) -> Path:
    """40 frames of an mp4 of which every sample is called a sync sample: there is no `stss` box."""
    raw, target = folder / f"raw.{codec}", folder / f"{codec}.mp4"
    encoders = {
        "m4v": ("-c:v", "mpeg4", "-q:v", "3", "-bf", "0", "-g", "20"),
        "hevc": ("-c:v", "libx265", "-x265-params", "log-level=0:bframes=0:keyint=20:pools=none:frame-threads=1"),
        "h264": ("-c:v", "libx264", "-g", "20", "-bf", "0"),
    }
    footage.ffmpeg(*source(40), *encoders[codec], "-threads", "1", "-f", codec, str(raw))
    with av.open(str(raw)) as before, av.open(str(target), "w", format="mp4") as after:
        video = before.streams.video[0]
        track = after.add_stream_from_template(video, opaque=True)
        track.time_base = Fraction(1, 10240)
        for place, data in enumerate(bytes(packet) for packet in before.demux(video) if packet.size):
            packet = av.Packet(data)
            packet.stream, packet.time_base = track, track.time_base
            packet.pts = packet.dts = place * 1024
            packet.duration, packet.is_keyframe = 1024, True
            after.mux(packet)
    return target


def packed_avi(folder: Path) -> Path:
    """40 frames of MPEG-4 as DivX packed them: two pictures in a chunk, and a chunk that repeats one after it."""
    raw, target = folder / "raw.m4v", folder / "packed.avi"
    footage.ffmpeg(*source(40), "-c:v", "mpeg4", "-q:v", "3", "-g", "20", "-bf", "1", *BASE, "-f", "m4v", str(raw))
    with av.open(str(raw)) as container:
        planes = [(bytes(packet), packet.is_keyframe) for packet in container.demux(video=0) if packet.size]
    at = planes[0][0].find(b"\0\0\1\xb6")
    planes[0] = (planes[0][0][:at] + b"\0\0\1\xb2DivX503b1393p" + planes[0][0][at:], True)
    chunks: list[tuple[bytes, bool]] = []
    place = 0
    while place < len(planes):
        following = planes[place + 1][0] if place + 1 < len(planes) else b""
        if following and following[following.rfind(b"\0\0\1\xb6") + 4] >> 6 == 2:
            chunks += [(planes[place][0] + following, planes[place][1]), (b"\0\0\1\xb6\x7f", False)]
            place += 2
        else:
            chunks.append(planes[place])
            place += 1
    target.write_bytes(_avi(chunks))
    return target


def _avi(chunks: list[tuple[bytes, bool]]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    count, codec = len(chunks), b"DX50"
    header = struct.pack("<14I", 100000, 0, 0, 0x10, count, 0, 1, 1 << 16, 64, 48, 0, 0, 0, 0)
    times = struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, 10, 0, count, 1 << 16, 0xFFFFFFFF, 0, 0, 0, 64, 48)
    stream = chunk(b"strh", b"vids" + codec + times)
    stream += chunk(b"strf", struct.pack("<IiiHH4sIiiII", 40, 64, 48, 1, 24, codec, 9216, 0, 0, 0, 0))
    movie, index = b"movi", b""
    for data, key in chunks:
        index += b"00dc" + struct.pack("<III", 0x10 if key else 0, len(movie), len(data))
        movie += chunk(b"00dc", data)
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", header) + chunk(b"LIST", b"strl" + stream))
    return chunk(b"RIFF", b"AVI " + head + chunk(b"LIST", movie) + chunk(b"idx1", index))


def zero_byte_samples(folder: Path) -> Path:
    """30 frames, between which the mp4 lists three samples of no bytes, before samples 5, 6 and 15."""
    base, target = folder / "base.mp4", folder / "zero.mp4"
    footage.ffmpeg(*source(30), "-c:v", "libx264", "-g", "10", "-bf", "0", "-use_editlist", "0", *BASE, str(base))
    data = base.read_bytes()
    at = data.index(b"moov") - 4
    end = at + int.from_bytes(data[at : at + 4], "big")
    target.write_bytes(data[:at] + _with_empty(data[at:end], (15, 6, 5)) + data[end:])
    return target


def _with_empty(box: bytes, places: tuple[int, ...]) -> bytes:
    """A box of a movie, in which samples of no bytes come before those at `places`."""
    kind, more = box[4:8], len(places)
    if kind in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}:
        inside, at = b"", 8
        while at < len(box):
            size = int.from_bytes(box[at : at + 4], "big")
            inside += _with_empty(box[at : at + size], places)
            at += size
        return struct.pack(">I4s", 8 + len(inside), kind) + inside
    if kind == b"stsz":
        (count,) = struct.unpack_from(">I", box, 16)
        sizes = list(struct.unpack_from(f">{count}I", box, 20))
        for place in places:
            sizes.insert(place, 0)
        return struct.pack(f">I4sIII{len(sizes)}I", 20 + 4 * len(sizes), kind, 0, 0, len(sizes), *sizes)
    if kind in {b"stts", b"stsc"}:
        wide = {b"stts": ">II", b"stsc": ">III"}[kind]
        first, *rest = struct.unpack_from(wide, box, 16)
        grown = (first + more, *rest) if kind == b"stts" else (first, rest[0] + more, rest[1])
        return box[:16] + struct.pack(wide, *grown)
    if kind == b"stss":
        (count,) = struct.unpack_from(">I", box, 12)
        keys = list(struct.unpack_from(f">{count}I", box, 16))
        for place in places:
            keys = [key + 1 if key - 1 >= place else key for key in keys]
        return box[:16] + struct.pack(f">{count}I", *keys)
    return box


def edited(folder: Path, edits: list[tuple[int, int]], *, between: int) -> Path:
    """40 frames of an mp4 with this edit list: (milliseconds, tick of 1/10240 s where its media begins, or -1)."""
    base, target = folder / "base.mp4", folder / "edited.mp4"
    footage.ffmpeg(*source(40), *X264, "-bf", str(between), *BASE, str(base))
    target.write_bytes(with_edits(base.read_bytes(), edits))
    return target


def with_edits(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    """An mp4 whose index is behind its samples, with these edits in each of its edit lists, as in `edited`."""
    at = data.index(b"moov") - 4
    end = at + int.from_bytes(data[at : at + 4], "big")
    return data[:at] + _with_edits(data[at:end], edits) + data[end:]


def _with_edits(box: bytes, edits: list[tuple[int, int]]) -> bytes:
    kind = box[4:8]
    if kind in {b"moov", b"trak", b"edts"}:
        inside, at = b"", 8
        while at < len(box):
            size = int.from_bytes(box[at : at + 4], "big")
            inside += _with_edits(box[at : at + size], edits)
            at += size
        return struct.pack(">I4s", 8 + len(inside), kind) + inside
    if kind == b"elst":
        (delay,) = struct.unpack_from(">i", box, 20)
        entries = b"".join(
            struct.pack(">Iihh", length, begin if begin < 0 else begin + delay, 1, 0) for length, begin in edits
        )
        return struct.pack(">I4sII", 16 + len(entries), kind, 0, len(edits)) + entries
    return box


def film(
    folder: Path, name: str, *, frames: int = 30, extra: tuple[str, ...] = X264, sound: tuple[str, ...] = ()
) -> Path:
    """Plain numbered frames; `extra` are arguments of the output, `sound` an input."""
    target = folder / name
    footage.ffmpeg(*source(frames), *sound, *extra, *BASE, str(target))
    return target


def joined(folder: Path, offset: float) -> Path:
    """Two transport streams of 30 frames, end to end; the clock of the second begins at `offset` seconds."""
    target = folder / "joined.ts"
    options = ("-c:v", "libx264", "-g", "10", "-bf", "2")
    first = film(folder, "a.ts", extra=(*options, "-output_ts_offset", "0"))
    second = film(folder, "b.ts", extra=(*options, "-output_ts_offset", str(offset)))
    target.write_bytes(first.read_bytes() + second.read_bytes())
    return target


def slides(folder: Path) -> Path:
    """30 frames with sound: frame 19 stays on screen from 1.9 s to 7 s."""
    target = folder / "slides.mp4"
    sound = ("-f", "lavfi", "-i", "anoisesrc=d=8:a=0.3:r=48000:seed=7:c=pink")
    stands = ("-vf", "setpts='PTS+gte(N,20)*5/TB'", "-fps_mode", "passthrough")
    footage.ffmpeg(*source(30), *sound, *stands, "-c:v", "libx264", "-g", "10", *BASE, "-c:a", "aac", str(target))
    return target


def bordered(folder: Path) -> Path:
    """A white picture of 64x48 inside of 96x64, and a Matroska header that says what of it is a border."""
    full, target = folder / "full.mkv", folder / "crop.mkv"
    graph = "color=black:s=96x64:r=10:d=2,drawbox=16:8:64:48:white:fill,format=yuv420p"
    # Written to a pipe, so that no index points to places that move.
    encoder = ["-f", "lavfi", "-i", graph, *X264, "-crf", "4", *BASE, "-f", "matroska", "pipe:1"]
    with full.open("wb") as out:
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *encoder], stdout=out, check=True)
    border = ((b"\x54\xbb", 8), (b"\x54\xcc", 16), (b"\x54\xaa", 8), (b"\x54\xdd", 16))
    added = b"".join(_element(name, bytes([pixels])) for name, pixels in border)
    data = full.read_bytes()
    at = data.rindex(b"\x16\x54\xae\x6b")
    size, width = _number(data, at + 4)
    end = at + 4 + width + size
    target.write_bytes(data[:at] + _with_border(data[at:end], added) + data[end:])
    return target


def _element(name: bytes, data: bytes) -> bytes:
    return name + (0x0100000000000000 | len(data)).to_bytes(8, "big") + data


def _number(data: bytes, at: int, *, name: bool = False) -> tuple[int, int]:
    """(value, bytes) of a variable-length number."""
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big")
    return (value if name else value & ((1 << 7 * width) - 1)), width


def _with_border(data: bytes, added: bytes) -> bytes:
    """Elements of a track list; `added` goes into the video element."""
    out, at = b"", 0
    while at < len(data):
        _, width = _number(data, at, name=True)
        name, at = data[at : at + width], at + width
        size, width = _number(data, at)
        payload, at = data[at + width : at + width + size], at + width + size
        if name in {b"\x16\x54\xae\x6b", b"\xae"}:
            payload = _with_border(payload, added)
        if name == b"\xe0":
            payload += added
        if name != b"\xec":
            out += _element(name, payload)
    return out
