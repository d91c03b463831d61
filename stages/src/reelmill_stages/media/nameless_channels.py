"""Sound with unknown channel positions, such as nine channels: all channels get equal weight in a mixdown.

FFmpeg assumes a layout for many channel counts, and refuses to mix the others.
"""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler

_GUESSED = frozenset({*range(1, 9), 10, 12, 14, 16, 24})


def is_nameless(layout: AudioLayout) -> bool:
    """Whether FFmpeg has no positions for the channels."""
    channels = layout.nb_channels
    return layout.name in {f"{channels} channels", ""} and channels not in _GUESSED


def averaged(frame: AudioFrame) -> AudioFrame:
    """Return one channel (float, planar), the mean of all, at the time of the frame."""
    # Packed, because PyAV reads beyond the planes of more than eight channels.
    whole = AudioResampler("flt", frame.layout, frame.sample_rate).resample(frame)
    samples = np.concatenate([each.to_ndarray().reshape(-1, frame.layout.nb_channels) for each in whole])
    mean = np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32)[None])
    made = AudioFrame.from_ndarray(mean, format="fltp", layout="mono")
    made.sample_rate, made.pts, made.time_base = frame.sample_rate, frame.pts, frame.time_base
    return made


def average_filter(channels: int) -> str:
    """Return the ffmpeg filter to two channels, each the mean of all."""
    mean = "+".join(f"{1 / channels:.9f}*c{channel}" for channel in range(channels))
    return f"pan=stereo|c0={mean}|c1={mean}"
