"""Cutting by re-encoding with the ffmpeg command line, for readers that ignore edit lists and for codecs outside mp4.

ffmpeg seeks the input to the key frame that the clip needs and trims it by exact ticks, so the clip has exactly the
frames of the span. With one thread and bit-exact flags, the same binary gives the same bytes.

Pictures with an odd side are encoded as 4:4:4, because 4:2:0 would cut off a row or column. libx264 keeps the fields of
interlaced video; the other encoders write them as frames (`fields_as_frames`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media import ffmpeg
from reelmill_stages.media.container.demux import CHECKSUMS
from reelmill_stages.media.container.edit_list_writer import set_ends
from reelmill_stages.media.cutting.cut import Cut, refuse_damaged
from reelmill_stages.media.cutting.encoder_refusals import refusal
from reelmill_stages.media.cutting.encoder_seek import seek_of
from reelmill_stages.media.cutting.frame_filter import has_long_frame, held_end, is_counted, trim
from reelmill_stages.media.cutting.remux import Remuxer, verify
from reelmill_stages.media.cutting.sound import refuse_damaged_sound
from reelmill_stages.media.cutting.stored_frames import (
    border_filters,
    count_inserted_frames,
    rotation_filters,
    size_filter,
    turn_of,
)
from reelmill_stages.media.nameless_channels import average_filter, is_nameless
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile, local_path

ENCODERS = {"h264": "libx264", "hevc": "libx265", "h264_nvenc": "h264_nvenc"}
"""ffmpeg's encoder for each codec of the block."""

_NVENC_PRESETS = {
    "ultrafast": "p1",
    "superfast": "p2",
    "veryfast": "p2",
    "faster": "p3",
    "fast": "p4",
    "medium": "p5",
    "slow": "p6",
}
_ROUNDING = 1e-6
_FINEST_BASE = 1_000_000
_MOVIE_SCALE = 90_000
"""Ticks per second of movies whose edit lists are set afterwards; the default depends on the ffmpeg version."""
STEREO = 2
_MOST_CHANNELS = 8
"""Maximum number of channels that AAC and Opus encoders support."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encoding parameters: names and numbers of the clip block."""

    codec: str = "h264"
    crf: int = 23
    preset: str = "fast"
    scale: tuple[int, int] | None = None
    """(width, height) in pixels, both even; None: unchanged."""
    filters: tuple[str, ...] = ()
    """Filters between the upright frames and scaling."""
    last_filters: tuple[str, ...] = ()
    """Filters of pictures that have their final size, which is the same for all frames."""
    pixel_format: str = ""
    """Empty: 4:2:0, or 4:4:4 for an odd side."""
    rate: Fraction | None = None
    """Constant frame rate in frames per second; None: each frame keeps its time."""
    sound_filters: tuple[str, ...] = ()
    sound: Mapping[str, object] = field(default_factory=lambda: {"c:a": "aac", "b:a": "128k"})
    """Options of the audio encoder. With `copy` and without filters, packets are copied."""

    copies_pictures: bool = False
    """Copy the video packets; only for a whole file that begins at 0."""

    @property
    def copies_sound(self) -> bool:
        """Whether audio packets are copied; only for a whole file that begins at 0."""
        return self.sound.get("c:a") == "copy"

    @property
    def encoder(self) -> str:
        return ENCODERS[self.codec]


def encode(source: Remuxer, cut: Cut, target: Path, how: Encoding) -> None:
    """Write a clip that shows exactly the frames of a cut, with the sound that the source keeps.

    Raises the errors of `ffmpeg.run`, ItemError(`unverified`) if the clip differs from the plan,
    ItemError(`picture_size`) if the encoder does not support the size, and ItemError(`corrupt`) for frames and sound of
    damaged packets. On error, no file is left.
    """
    refuse_damaged(source.path, source.timeline, cut)
    _refuse_counting_over_damage(source.path, source.timeline, cut)
    sought = seek_of(source, cut)
    try:
        try:
            _encode(source, cut, target, how, sought)
        except ItemError as error:
            if sought is None or error.reason == ItemReason.ENCODE_TIMEOUT:
                raise
            # The seek may have landed wrong: retry once from the start.
            _encode(source, cut, target, how, None)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if not isinstance(error, ItemError):
            raise
        meaning = refusal(how.encoder, *(how.scale or _visible_size(source)), error)
        if meaning is error:
            raise
        raise meaning from error


def _refuse_counting_over_damage(path: MediaFile, timeline: Timeline, cut: Cut) -> None:
    """Raise ItemError(`corrupt`) if ffmpeg would have to count frames across a damaged packet."""
    before = [number for number in timeline.damaged if number < timeline.numbers[cut.frames.start]]
    if before and is_counted(timeline):
        raise ItemError(
            ItemReason.CORRUPT,
            f"{path.name}: frame {cut.frames.start} can be decoded, but not be encoded as a clip: ffmpeg would count "
            f"the frames before it, and packet {min(before)} is damaged",
        )


def _encode(source: Remuxer, cut: Cut, target: Path, how: Encoding, sought: float | None) -> None:
    if source.audio is not None and not how.copies_sound and _accepted_error_share(source.timeline, cut, how, sought):
        # ffmpeg has one error tolerance for both pictures and sound.
        refuse_damaged_sound(source.path, source.audio.index, cut)
    ffmpeg.run(arguments(source, cut, target, how, sought), timeout=300 + 60 * cut.seconds)
    if how.rate is not None:
        return
    if has_long_frame(source.timeline, cut):
        # With reordered pictures and still frames, the muxer accumulates decode times that are too large.
        try:
            set_ends(target, round(cut.seconds * _MOVIE_SCALE))
        except ValueError as error:
            raise ItemError(ItemReason.UNVERIFIED, f"the edit list of the clip cannot be set: {error}") from error
    verify(target, source.timeline, cut)


def arguments(source: Remuxer, cut: Cut, target: Path, how: Encoding, sought: float | None = None) -> list[str]:
    """Return the argument list for one clip. `sought` is where reading begins, in seconds on the container's clock."""
    base, timeline = cut.time_base, source.timeline
    before: dict[str, object] = {"threads": 1, "noaccurate_seek": None}
    for stream in filter(None, (source.video, source.audio)):
        if checked := CHECKSUMS.get(stream.codec_context.name):
            before[f"err_detect:{stream.type[0]}"] = checked
    turn = turn_of(source, cut)
    if turn is not None:
        before["noautorotate"] = None
    if sought is not None:
        before |= {"seek_timestamp": 1, "ss": f"{sought:.6f}"}
    shape = timeline.shape
    odd = how.scale is None and any(side % 2 for side in _visible_size(source))
    sized = [] if odd else [_scale_filter(how)]
    last = [*how.last_filters]
    if how.rate is not None:
        last.append(f"fps=fps={how.rate}:start_time=0")
        base = 1 / how.rate
    if timeline.form.varies:
        # Filters would restart counting when the size or format of frames changes.
        before["reinit_filter"] = 0
        sized = [size_filter(source), *sized]
    filters = [
        trim(timeline, cut, count_inserted_frames(source)),
        *border_filters(shape, ffmpeg.binary().version),
        *rotation_filters(turn),
        *how.filters,
        *sized,
        *last,
    ]
    keeps_fields = is_interlaced(source) and not fields_as_frames(source, how)
    after: dict[str, object] = {
        "copyts": None,
        "max_error_rate": _accepted_error_share(timeline, cut, how, sought),
        "threads": 1,
        "filter_threads": 1,
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "movflags": "+faststart",
        "f": "mp4",
    }
    pictures: dict[str, object] = {
        "filter:v": ",".join(filters),
        "fps_mode:v": "passthrough",
        "enc_time_base:v": f"{base.numerator}/{base.denominator}" if base >= Fraction(1, _FINEST_BASE) else "1/90000",
        "pix_fmt": how.pixel_format or ("yuv444p" if odd else "yuv420p"),
        "c:v": how.encoder,
        **_quality_options(how),
        "flags:v": "+bitexact+ildct+ilme" if keeps_fields else "+bitexact",
    }
    if keeps_fields:
        pictures["x264-params"] = "bff=1" if source.video.codec_context.field_order in _BOTTOM_FIRST else "tff=1"
    if how.rate is None and has_long_frame(timeline, cut):
        after["movie_timescale"] = _MOVIE_SCALE
    if how.rate is None and (held := held_end(timeline, cut)):
        # Between packets the muxer's durations are better; the last packet is long enough and trimmed in `_encode`.
        pictures["bsf:v"] = f"setts=pts=PTS:dts=DTS:duration={float(held * base):.6f}/TB"
    after |= {"c:v": "copy"} if how.copies_pictures else pictures
    streams = [str(timeline.stream)]
    if source.audio is not None:
        start, end = (float(tick * cut.time_base) for tick in (cut.start, cut.end))
        streams.append(str(source.audio.index))
        cut_out = f"atrim=start={start:.6f}:end={end:.6f},asetpts=PTS-({start:.6f})/TB"
        coded = source.audio.codec_context
        mean = [average_filter(coded.channels)] if is_nameless(coded.layout) else []
        filtered = {} if how.copies_sound else {"filter:a": ",".join([cut_out, *mean, *how.sound_filters])}
        mixed = {"ac": STEREO} if mixed_down(source, how) else {}
        after |= {**filtered, **how.sound, **mixed, "flags:a": "+bitexact"}
    path = local_path(source.path, "ffmpeg reads files")
    return ffmpeg.command(path, target, streams=streams, before=before, after=after)


def _accepted_error_share(timeline: Timeline, cut: Cut, how: Encoding, sought: float | None) -> float:
    """Return the share of decoding errors to accept: those of pictures before the first key frame.

    Clips that are verified afterwards may have any number of errors. Other clips may have only these, which occur only
    when reading from the start.
    """
    early = timeline.undecodable if sought is None else 0
    return 0 if not early else 1 if how.rate is None else early / (early + cut.frames.stop) + _ROUNDING


_EVEN = "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0"
"""Crops to even sides, which encoders need for 4:2:0; even sides stay unchanged."""
_INTERLACED = frozenset({2, 3, 4, 5})
"""FFmpeg's `AVFieldOrder` values of interlaced video."""
_BOTTOM_FIRST = frozenset({3, 4})
"""The values whose bottom field is shown first."""
_FIELD_ROWS = 4
"""The number of rows of an interlaced 4:2:0 picture is a multiple of this."""


def mixed_down(source: Remuxer, how: Encoding) -> bool:
    """Whether the sound has more channels than the encoder supports and is mixed down to stereo."""
    if source.audio is None or how.copies_sound:
        return False
    return min(source.audio.codec_context.channels, int(str(how.sound.get("ac", _MOST_CHANNELS + 1)))) > _MOST_CHANNELS


def is_interlaced(source: Remuxer) -> bool:
    """Whether the frames of the video consist of two fields each."""
    return source.video.codec_context.field_order in _INTERLACED


def fields_as_frames(source: Remuxer, how: Encoding) -> bool:
    """Whether an interlaced video is encoded as progressive frames with the lines of both fields."""
    shape = source.timeline.shape
    moved = how.scale is not None or bool(how.filters) or shape.turned or any((*shape.turn, *shape.crop))
    whole = any(side % 2 for side in _visible_size(source)) or _visible_size(source)[1] % _FIELD_ROWS == 0
    return is_interlaced(source) and (how.codec != "h264" or moved or not whole)


def _visible_size(source: Remuxer) -> tuple[int, int]:
    """Return width and height of the picture within its border, in stored pixels."""
    left, right, top, bottom = source.timeline.shape.crop
    coded = source.video.codec_context
    return coded.width - left - right, coded.height - top - bottom


def _scale_filter(how: Encoding) -> str:
    if how.scale is None:
        return _EVEN
    return f"scale={how.scale[0]}:{how.scale[1]}:flags=bicubic+accurate_rnd+bitexact,setsar=1"


def _quality_options(how: Encoding) -> dict[str, object]:
    if how.codec == "h264_nvenc":
        return {"preset": _NVENC_PRESETS[how.preset], "rc": "vbr", "cq": how.crf, "b:v": 0}
    options: dict[str, object] = {"preset": how.preset, "crf": how.crf}
    if how.codec == "hevc":
        options |= {"x265-params": "log-level=error:pools=none:frame-threads=1", "tag:v": "hvc1"}
    return options
