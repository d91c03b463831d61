"""Compares the sound of a video with the wanted form, and plans its conversion."""

from dataclasses import dataclass, field
from typing import Any

from av.audio.layout import AudioLayout

from reelmill.contract.spec.stages.normalise import SoundForm
from reelmill_stages.media.cutting.remux import Remuxer
from reelmill_stages.media.decoding.loudness import Loudness, loudness
from reelmill_stages.media.nameless_channels import average_filter, is_nameless

_ENCODERS = {"aac": "aac", "opus": "libopus"}
_DOUBLES = "aformat=sample_fmts=dblp"
_MIXES = {
    channels: ("asidedata=mode=delete", _DOUBLES, f"{_DOUBLES}:channel_layouts={layout}")
    for channels, layout in ((1, "mono"), (2, "stereo"))
}
"""Filters that mix channels down without rounding or clipping. Only some versions of FFmpeg follow the levels that
AC-3 suggests for it as side data, so these are removed."""
_LEAST_GAIN = 0.05
"""Minimum gain in dB that justifies encoding again."""


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """`differs` are words for properties that differ from the wanted form; empty: the packets can be copied."""

    differs: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    measured: Loudness | None = None
    gain: float = 0.0
    """Gain in dB."""
    held_back: bool = False
    """Whether the gain is less than wanted, to limit the true peak."""

    def to_json(self) -> dict[str, Any]:
        """Return the loudness for the provenance."""
        if self.measured is None:
            return {}
        measures = {"loudness": self.measured.integrated, "truePeak": self.measured.true_peak, "gain": self.gain}
        return {"measured": {name: round(value, 2) for name, value in measures.items()}}


def sound_plan(source: Remuxer, form: SoundForm) -> SoundPlan:
    """Return the plan for the sound of a video. Raises ItemError for sound that cannot be decoded."""
    if source.audio is None:
        return SoundPlan()
    coded = source.audio.codec_context
    rate = 48_000 if form.codec == "opus" else form.rate or coded.sample_rate
    channels = form.channels or coded.channels
    differs = []
    if coded.name not in (form.codec, _ENCODERS[form.codec]):
        differs.append("soundCodec")
    if coded.sample_rate != rate:
        differs.append("soundRate")
    if coded.channels != channels:
        differs.append("channels")
    measured: Loudness | None = None
    filters: list[str] = []
    if form.loudness is not None:
        mean, filters = _mixing_filters(coded.layout, channels)
        measured = loudness(source.path, source.audio.index, [*mean, *filters])
    gain, held_back = (0.0, False) if measured is None else _gain_to_target(measured, form)
    if gain:
        differs.append("loudness")
    filters += [f"volume={gain:.4f}dB:precision=double"] if gain else []
    filters += [f"aresample={rate}:filter_size=64:phase_shift=10:linear_interp=0"] if coded.sample_rate != rate else []
    options: dict[str, object] = {"c:a": _ENCODERS[form.codec], "b:a": f"{form.bit_rate}k", "ac": channels, "ar": rate}
    return SoundPlan(tuple(differs), tuple(filters), options, measured, gain, held_back)


def _mixing_filters(layout: AudioLayout, channels: int) -> tuple[list[str], list[str]]:
    """Return the filters that mix more channels down to `channels`, in two parts; encoding starts with the first.

    Mixing changes the loudness, so it comes before the measurement and the gain.
    """
    if channels >= layout.nb_channels or channels not in _MIXES:
        return [], []
    mean = [average_filter(layout.nb_channels)] if is_nameless(layout) else []
    return mean, [*_MIXES[channels]]


def _gain_to_target(measured: Loudness, form: SoundForm) -> tuple[float, bool]:
    """Return (gain in dB, whether the true peak limits it)."""
    assert form.loudness is not None
    wanted = form.loudness - measured.integrated
    allowed = form.true_peak - measured.true_peak
    if abs(wanted) <= form.tolerance:
        wanted = 0.0
    gain = round(min(wanted, allowed), 4)
    return (gain if abs(gain) >= _LEAST_GAIN else 0.0), wanted - gain > form.tolerance
