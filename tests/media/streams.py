"""Streams by chance, for the differential test: each is a function of its number alone.

Codec, distance of key frames, B pictures, container, clock, edit lists, rate, lost bytes and joined files are drawn;
frames show their own number (`frame_number`), so that a reference that shares a fault with what it judges is found out.
"""

from __future__ import annotations

import random
import struct
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

from media import lying, stream_damage

SIZE = (64, 48)
FPS = 10
_PATTERN = "40+170*mod(floor(N/pow(2,floor(X/8))),2)"

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1")
_CODECS = {
    "h264": ("libx264", ("mp4", "mov", "mkv", "ts", "flv", "avi")),
    "hevc": ("libx265", ("mp4", "mov", "mkv", "ts")),
    "mpeg4": ("mpeg4", ("mp4", "avi", "mkv", "mov")),
    "mpeg2": ("mpeg2video", ("ts", "mkv", "mpg")),
    "mpeg1": ("mpeg1video", ("mpg", "mkv")),
    "vp8": ("libvpx", ("webm", "mkv", "ogv")),
    "vp9": ("libvpx-vp9", ("webm", "mkv", "mp4")),
    "av1": ("libsvtav1", ("mp4", "mkv", "webm")),
    "mjpeg": ("mjpeg", ("avi", "mov", "mkv")),
    "prores": ("prores_ks", ("mov", "mkv")),
    "ffv1": ("ffv1", ("mkv", "avi")),
    "flv1": ("flv", ("flv",)),
    "vvc": ("libvvenc", ("mp4", "mkv")),
    "theora": ("libtheora", ("ogv", "mkv")),
}
_WEIGHTS = {"h264": 8, "hevc": 5, "mpeg4": 3, "mpeg2": 2, "vp9": 2, "av1": 2}
_EDITS = (
    [(400, -1), (800, 0)],
    [(500, 3 * 1024)],
    [(1, 0), (700, 2 * 1024)],
    [(300, 0), (400, 6 * 1024)],
    [(600, 512)],
)
"""Edit lists: milliseconds, and the tick (of 10240 a second) where their media begins; -1 for nothing to see."""
_REWRITES = ("all_sync", "no_offsets", "no_sync_but_first", "sync_by_chance")


@dataclass
class Stream:
    """One drawn file, and in words what it is."""

    number: int
    path: Path
    words: list[str] = field(default_factory=list)
    whole: Path | None = None
    """The file before bytes were taken from it."""

    @property
    def damaged(self) -> bool:
        """Whether bytes are lacking."""
        return self.keeps_times or bool(
            {"cut off", "packets lost", "begins in the middle"} & {word.partition(" at ")[0] for word in self.words}
        )

    @property
    def keeps_times(self) -> bool:
        """Whether something is lost or changed in the middle, and what is left is shown when it was."""
        return bool({"page lost", "picture lost", "bit flipped"} & {word.partition(" at ")[0] for word in self.words})

    def __str__(self) -> str:
        return f"{self.number}: {' '.join(self.words)}"


def stream(number: int, folder: Path) -> Stream:
    """Make stream `number` in a folder."""
    chance = random.Random(number)
    codec = chance.choices(list(_CODECS), [_WEIGHTS.get(name, 1) for name in _CODECS])[0]
    encoder, containers = _CODECS[codec]
    container = chance.choice(containers)
    made = Stream(number, folder / f"{number}.{container}", [codec, container])
    frames = chance.choice((12, 25, 40, 90))
    source = folder / f"{number}_source.{container}"
    args = [*_encoder(chance, codec, encoder, made.words), *_clock(chance, container, made.words)]
    _ffmpeg(*_input(frames, chance, made.words), *args, str(source))
    source = _rewritten(chance, codec, container, source, made)
    source = _edited(chance, codec, container, source, made)
    changed = _joined_or_cut(chance, container, source, made)
    if changed is source:
        changed = stream_damage.damaged(random.Random(f"{number} damage"), codec, container, source, made.words)
    if made.damaged:
        made.whole = source.replace(folder / f"{number}.whole.{container}")
    changed.replace(made.path)
    for rest in folder.glob(f"{number}_*"):
        rest.unlink()
    return made


def frame_number(luma: bytes, line: int) -> int:
    """The number that a picture of 64x48 shows: column k of 8 pixels is bright where bit k is set."""
    row = luma[24 * line : 24 * line + SIZE[0]]
    return sum(1 << bit for bit in range(8) if sum(row[bit * 8 + 2 : bit * 8 + 6]) > 4 * 125)


def _input(frames: int, chance: random.Random, words: list[str]) -> list[str]:
    graph = f"nullsrc=s=64x48:r={FPS}:d={frames / FPS},geq=lum='{_PATTERN}':cb=128:cr=128,format=yuv420p"
    args = ["-f", "lavfi", "-i", graph]
    rate = chance.choice(("steady", "steady", "steady", "slides", "jitter"))
    words += [f"{frames} frames", rate]
    if rate == "slides":
        at = chance.randrange(2, frames)
        args += ["-vf", f"setpts='PTS+gte(N,{at})*{chance.choice((1, 3))}/TB'", "-fps_mode", "passthrough"]
    elif rate == "jitter":
        args += ["-vf", "settb=1/1000,setpts='PTS+mod(N*7,5)*12'", "-fps_mode", "passthrough"]
    return args


def _encoder(chance: random.Random, codec: str, encoder: str, words: list[str]) -> list[str]:
    gop, between = chance.choice((1, 5, 12, 250)), chance.choice((0, 0, 1, 2, 4))
    opened = chance.random() < 0.5
    words.append(f"gop {gop}")
    args = ["-c:v", encoder, "-g", str(gop)]
    if codec == "h264":
        pyramid = chance.choice(("none", "strict", "normal"))
        extra = ["", "", "intra-refresh=1:", "tff=1:", "force-cfr=1:"][chance.randrange(5)]
        words += [f"bf {between}", f"open {opened}", pyramid, extra]
        args += ["-bf", str(between), "-preset", "ultrafast", "-x264-params"]
        args += [f"{extra}open-gop={int(opened)}:b-pyramid={pyramid}:scenecut=0:threads=1"]
    elif codec == "hevc":
        layers = chance.random() < 0.2 and between == 0
        words += [f"bf {between}", f"open {opened}"]
        args += ["-preset", "ultrafast", "-x265-params"]
        args += [
            f"log-level=0:keyint={gop}:min-keyint=1:bframes={between}:open-gop={int(opened)}:pools=none:frame-threads=1"
            + (":temporal-layers=1" if layers else "")
            + chance.choice(("", ":radl=2" if not opened and between > 2 else "", ":repeat-headers=1"))
        ]
    elif codec in {"mpeg4", "mpeg2", "mpeg1"}:
        between = min(between, 2)
        words.append(f"bf {between}")
        args += ["-bf", str(between), "-q:v", "3", "-threads", "1", "-strict", "-2"]
        if opened is False and gop > 1:
            args += ["-flags", "+cgop", "-sc_threshold", "1000000000"]
    elif codec in {"vp8", "vp9"}:
        args += ["-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-threads", "1"]
        if chance.random() < 0.6:
            words.append("hidden references")
            args += ["-deadline", "good", "-auto-alt-ref", "1", "-lag-in-frames", "16"]
    elif codec == "av1":
        args += ["-preset", "12", "-svtav1-params", "lp=1"]
    elif codec == "prores":
        args += ["-profile:v", "0"]
    elif codec == "mjpeg":
        args += ["-q:v", "3", "-pix_fmt", "yuvj420p"]
    elif codec == "vvc":
        args += ["-preset", "faster", "-threads", "1"]
    return args


def _clock(chance: random.Random, container: str, words: list[str]) -> list[str]:
    args: list[str] = []
    if container in {"mp4", "mov"} and chance.random() < 0.5:
        scale = chance.choice((30, 600, 1000, 15360, 90000))
        words.append(f"scale {scale}")
        args += ["-video_track_timescale", str(scale)]
    if container in {"mp4", "mov"} and chance.random() < 0.3:
        words.append("fragmented")
        args += ["-movflags", "frag_keyframe+empty_moov"]
    if container in {"mp4", "mkv", "ts"} and chance.random() < 0.2:
        words.append("late")
        args += ["-output_ts_offset", "7.3"]
    return args


def _rewritten(chance: random.Random, codec: str, container: str, source: Path, made: Stream) -> Path:
    """Packets with other key flags or times, as careless muxers write them."""
    if container not in {"mp4", "mov", "mkv"} or chance.random() > 0.35:
        return source
    way = chance.choice(_REWRITES)
    made.words.append(way)
    target = source.with_name(f"{made.number}_rewritten.{container}")
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        video = next(iter(before.streams.video), None)
        if video is None:
            return source
        track = after.add_stream_from_template(video, opaque=True)
        track.time_base = Fraction(1, 10240)
        for number, packet in enumerate(q for q in before.demux(video) if q.size):
            packet.stream = track
            if way == "no_offsets":
                packet.time_base = track.time_base
                packet.pts = packet.dts = number * 1024
                packet.duration = 1024
            elif way == "all_sync":
                packet.is_keyframe = True
            elif way == "no_sync_but_first":
                packet.is_keyframe = number == 0
            else:
                packet.is_keyframe = number == 0 or chance.random() < 0.4
            after.mux(packet)
    return target


def _edited(chance: random.Random, codec: str, container: str, source: Path, made: Stream) -> Path:
    """A stream copy from the middle: an edit list hides the pre-roll."""
    if container not in {"mp4", "mov"} or chance.random() > 0.4:
        return source
    if chance.random() < 0.4 and not {"fragmented", "scale"} & {word.partition(" ")[0] for word in made.words}:
        edits = chance.choice(_EDITS)
        made.words.append(f"edits {edits}")
        source.write_bytes(lying.with_edits(source.read_bytes(), edits))
        return source
    start = chance.choice((0.3, 0.55, 1.0))
    made.words.append(f"edit list from {start}")
    target = source.with_name(f"{made.number}_edited.{container}")
    try:
        _ffmpeg("-ss", str(start), "-i", str(source), "-c", "copy", str(target))
    except subprocess.CalledProcessError:
        return source
    return target if target.stat().st_size > 1000 else source


def _joined_or_cut(chance: random.Random, container: str, source: Path, made: Stream) -> Path:
    data = source.read_bytes()
    drawn = chance.random()
    target = source.with_name(f"{made.number}_changed.{container}")
    if container in {"ts", "mpg"} and drawn < 0.15:
        made.words.append("twice")
        target.write_bytes(data * 2)
    elif container in {"ts", "flv", "mkv", "avi", "mp4", "mpg"} and 0.15 < drawn < 0.3:
        share = chance.uniform(0.4, 0.95)
        made.words.append(f"cut off at {share:.2f}")
        target.write_bytes(data[: int(len(data) * share)])
    elif container == "ts" and 0.3 < drawn < 0.45:
        packet = 188 * chance.randrange(1, max(2, len(data) // 188 // 2))
        made.words.append("begins in the middle")
        target.write_bytes(data[packet:])
    elif container == "ts" and 0.5 < drawn < 0.65:
        first, count = chance.randrange(3, max(4, len(data) // 188)), chance.choice((1, 1, 3))
        made.words.append(f"packets lost at {first}")
        target.write_bytes(data[: 188 * first] + data[188 * (first + count) :])
    elif 0.45 < drawn < 0.5:
        made.words.append("trailing bytes")
        target.write_bytes(data + chance.choice((b"\0" * 4, b"\r\n", b"maker trailer" * 9)))
    elif container == "avi" and drawn > 0.85:
        made.words.append("no RIFF size")
        target.write_bytes(data[:4] + struct.pack("<I", chance.choice((0, 0xFFFFFFFF))) + data[8:])
    else:
        return source
    return target


def _ffmpeg(*args: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *args]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
