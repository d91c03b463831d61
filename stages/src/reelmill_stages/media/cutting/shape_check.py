"""Comparison of a video with a wanted form, and the ffmpeg filters to reach it.

Times are compared in ticks: a rate is constant if every frame is at the tick to which its time rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from reelmill_stages.media.container.probe import VideoStream
from reelmill_stages.media.cutting.encode import is_interlaced
from reelmill_stages.media.cutting.remux import Remuxer
from reelmill_stages.media.timeline.timeline import Timeline

_HDR = {16: "smpte2084", 18: "arib-std-b67"}
"""FFmpeg's `AVColorTransferCharacteristic` values of PQ and HLG."""
_NTSC = (24, 30, 48, 60, 120, 240)


@dataclass(frozen=True, slots=True)
class PictureForm:
    """The wanted form of pictures; see the fields of the block `normalise`."""

    codec: str
    pixel_format: str
    max_side: int | None = None
    rate: Fraction | None = None
    deinterlace: bool = True
    tone_map: str = "hable"

    @property
    def decoder(self) -> str:
        return "hevc" if self.codec == "hevc" else "h264"


def differences(source: Remuxer, seen: VideoStream, form: PictureForm) -> list[str]:
    """Return words for the differences from the wanted form; `seen` is the video stream."""
    return list(_differences(source, seen, form))


def filters(source: Remuxer, form: PictureForm) -> tuple[str, ...]:
    """Return the filters from upright pictures to the wanted form, except for the rate."""
    found = []
    if form.deinterlace and is_interlaced(source):
        found.append("bwdif=mode=send_frame:parity=auto:deint=all")
    if form.tone_map != "keep" and is_hdr(source):
        found += [
            f"zscale=tin={_HDR[source.video.codec_context.color_trc]}:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100",
            "format=gbrpf32le",
            "zscale=p=bt709",
            f"tonemap=tonemap={form.tone_map}:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
            f"format={form.pixel_format}",
        ]
    return (*found, scaling(form.max_side, even=form.pixel_format == "yuv420p"))


def scaling(max_side: int | None, *, even: bool) -> str:
    """Return the filter to square pixels and even sides within `max_side`; it leaves conforming pictures unchanged."""
    wide, high = "iw*if(sar,sar,1)", "ih"
    less = f"min(1,{max_side}/max({wide},{high}))" if max_side else "1"
    unit = 2 if even else 1
    width, height = (f"max({unit},trunc(round({side}*{less}*1000)/1000/{unit})*{unit})" for side in (wide, high))
    escaped = (each.replace(",", r"\,") for each in (width, height))
    return "scale=w={}:h={}:flags=bicubic+accurate_rnd+full_chroma_int+bitexact,setsar=1".format(*escaped)


def exact_rate(fps: float) -> Fraction:
    """Return the exact frame rate for a rounded number: 29.97 is 30000/1001."""
    for whole in _NTSC:
        if abs(fps - whole * 1000 / 1001) < 0.005:
            return Fraction(whole * 1000, 1001)
    return Fraction(fps).limit_denominator(1000)


def has_rate(timeline: Timeline, rate: Fraction) -> bool:
    """Whether every frame is at the tick to which its time at a constant rate rounds, or next to it."""
    step = 1 / (rate * timeline.time_base)
    times = [*timeline.pts, timeline.end]
    return all(
        abs(tick - timeline.pts[0] - floor(number * step + Fraction(1, 2))) <= 1 for number, tick in enumerate(times)
    )


def is_hdr(source: Remuxer) -> bool:
    """Whether the pictures have an HDR transfer function."""
    return source.video.codec_context.color_trc in _HDR


def _differences(source: Remuxer, seen: VideoStream, form: PictureForm) -> Iterator[str]:
    timeline, coded = source.timeline, source.video.codec_context
    shape = timeline.shape
    if timeline.codec != form.decoder:
        yield "codec"
    if coded.pix_fmt != form.pixel_format:
        yield "pixelFormat"
    if form.max_side and max(seen.width, seen.height) > form.max_side:
        yield "size"
    if form.rate is not None and not has_rate(timeline, form.rate):
        yield "rate"
    if shape.aspect != 1:
        yield "aspect"
    if seen.rotation or shape.turned or any(shape.turn):
        yield "rotation"
    if any(shape.crop):
        yield "border"
    if form.deinterlace and is_interlaced(source):
        yield "interlaced"
    if form.tone_map != "keep" and is_hdr(source):
        yield "hdr"
