"""Cutting by encoding anew, with the ffmpeg command line: for readers that ignore edit lists, and codecs no mp4 holds.

The input is sought to the key frame that the clip needs and then trimmed by exact ticks, so the frames are those of the
span and no others. One thread and bit-exact flags: the same binary gives the same bytes.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media import ffmpeg
from reelmill_stages.media.cut import Cut, entry
from reelmill_stages.media.remux import Remuxer, verify
from reelmill_stages.media.timeline import Timeline

ENCODERS = {"h264": "libx264", "hevc": "libx265", "h264_nvenc": "h264_nvenc"}
"""Codec of the block -> encoder of ffmpeg."""

_NVENC_PRESETS = {
    "ultrafast": "p1",
    "superfast": "p2",
    "veryfast": "p2",
    "faster": "p3",
    "fast": "p4",
    "medium": "p5",
    "slow": "p6",
}
_FINEST_BASE = 1_000_000
_SEEKS_BY_FRAME = "mov"
_MARGIN = 1.0
"""Seconds to seek earlier in containers that have no index of key frames."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to encode: names and numbers of the clip block."""

    codec: str = "h264"
    crf: int = 23
    preset: str = "fast"
    scale: tuple[int, int] | None = None
    """(width, height) in pixels, both even; None: as it is."""

    @property
    def encoder(self) -> str:
        return ENCODERS[self.codec]


def encode(source: Remuxer, cut: Cut, target: Path, how: Encoding) -> None:
    """Write a clip that shows exactly the frames of a cut, with the sound that the source is to keep.

    Raises what `ffmpeg.run` raises, and ItemError(`unverified`) when the clip does not show what was planned; then no
    file is left.
    """
    try:
        ffmpeg.run(arguments(source, cut, target, how), timeout=300 + 60 * cut.seconds)
        verify(target, len(cut.frames))
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, ItemError) and error.reason == ItemReason.FFMPEG_FAILED and "nvenc" in how.encoder:
            raise ItemError(
                ItemReason.FFMPEG_FAILED, f"{error.what} (GPU encoders have few sessions: use fewer workers)"
            ) from error
        raise


def arguments(source: Remuxer, cut: Cut, target: Path, how: Encoding) -> list[str]:
    """The argument list for one clip."""
    base, timeline = cut.time_base, source.timeline
    before: dict[str, object] = {"threads": 1, "noaccurate_seek": None}
    sought = _seek(timeline, cut) if source.begins_clean(cut) else None
    if sought is not None:
        before |= {"seek_timestamp": 1, "ss": f"{sought:.6f}"}
    after: dict[str, object] = {
        "copyts": None,
        "max_error_rate": 0,
        "threads": 1,
        "filter_threads": 1,
        "filter:v": f"{_trim(timeline, cut)},{_sized(how)}",
        "fps_mode:v": "passthrough",
        "enc_time_base:v": f"{base.numerator}/{base.denominator}" if base >= Fraction(1, _FINEST_BASE) else "1/90000",
        "pix_fmt": "yuv420p",
        "c:v": how.encoder,
        **_quality(how),
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "flags:v": "+bitexact",
        "movflags": "+faststart",
        "f": "mp4",
    }
    streams = [str(timeline.stream)]
    if source.audio is not None:
        start, end = (float(tick * base) for tick in (cut.start, cut.end))
        streams.append(str(source.audio.index))
        after |= {
            "filter:a": f"atrim=start={start:.6f}:end={end:.6f},asetpts=PTS-({start:.6f})/TB",
            "c:a": "aac",
            "b:a": "128k",
            "flags:a": "+bitexact",
        }
    return ffmpeg.command(source.path, target, streams=streams, before=before, after=after)


_EVEN = "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0"
"""Encoders want even sides; what is even stays as it is."""


def _sized(how: Encoding) -> str:
    if how.scale is None:
        return _EVEN
    return f"scale={how.scale[0]}:{how.scale[1]}:flags=bicubic+accurate_rnd+bitexact,setsar=1"


def _trim(timeline: Timeline, cut: Cut) -> str:
    if timeline.counted:
        return f"trim=start_frame={cut.frames.start}:end_frame={cut.frames.stop},setpts=PTS-STARTPTS"
    return f"trim=start_pts={cut.start}:end_pts={cut.end},setpts=PTS-({cut.start})"


def _quality(how: Encoding) -> dict[str, object]:
    if how.codec == "h264_nvenc":
        return {"preset": _NVENC_PRESETS[how.preset], "rc": "vbr", "cq": how.crf, "b:v": 0}
    options: dict[str, object] = {"preset": how.preset, "crf": how.crf}
    if how.codec == "hevc":
        options |= {"x265-params": "log-level=error:pools=none:frame-threads=1", "tag:v": "hvc1"}
    return options


def _seek(timeline: Timeline, cut: Cut) -> float | None:
    """Seconds to seek to, on the container's own clock; None where decoding begins at the start anyway.

    An mp4 lands on the key frame when asked for its very time, and one earlier when asked for a microsecond less.
    """
    number = entry(timeline, cut)
    if number == 0 or timeline.counted:
        return None
    key = timeline.packets.pts[number] * timeline.time_base
    if _SEEKS_BY_FRAME in timeline.container:
        return ceil(key * 1_000_000) / 1_000_000
    return float(key) - _MARGIN
