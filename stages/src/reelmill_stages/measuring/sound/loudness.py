"""Measures of a clip's sound by libavfilter: loudness and true peak by ebur128, silence by silencedetect.

Samples are processed in the frames of the decoder; no sound is stored.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import log10

import av
import numpy as np
from av.audio.frame import AudioFrame

from reelmill.contract.measures import Measure
from reelmill_stages.measuring.sound.samples import Samples

SILENCE_LEVEL, SILENCE_SECONDS = -50, 0.5
"""silencedetect's `noise` in dB and `duration`."""
FULL_SCALE = 0.999
"""Minimum absolute value of a clipped sample."""
_QUIETEST = -70.0
"""LUFS; the value of ebur128 if the gate of BS.1770 removes all sound."""
_FILTERS = (
    ("ebur128", "metadata=1:peak=true"),
    ("silencedetect", f"noise={SILENCE_LEVEL}dB:duration={SILENCE_SECONDS}"),
)
_LOUDNESS, _PEAK = "lavfi.r128.I", "lavfi.r128.true_peaks_ch"
_START, _END, _DURATION = "lavfi.silence_start", "lavfi.silence_end", "lavfi.silence_duration"


class Meter:
    """Measures sound with `rate` samples per second and a channel `layout` (FFmpeg's name)."""

    def __init__(self, rate: int, layout: str) -> None:
        self._rate = rate
        self._layout = layout
        self._samples = self._values = self._clipped = 0
        self._silence = 0.0
        self._silent_since: float | None = None
        self._loudness = _QUIETEST
        self._peak = 0.0
        self._graph = _graph(rate, layout)

    @property
    def seconds(self) -> float:
        """Duration of the sound in seconds."""
        return self._samples / self._rate

    def add(self, samples: Samples) -> None:
        """Add the next samples."""
        self._clipped += int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))
        self._values += samples.size
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += len(samples)
        self._graph.push(frame)
        self._drain()

    def end(self) -> Mapping[Measure, float]:
        """Return the measures of all samples, of which there must be at least one. Call this once."""
        self._graph.push(None)
        self._drain()
        if self._silent_since is not None:
            self._silence += self.seconds - self._silent_since
        found = {
            Measure.SILENCE: min(1.0, max(0.0, self._silence / self.seconds)),
            Measure.CLIPPING: self._clipped / self._values,
        }
        if self._loudness > _QUIETEST:
            found[Measure.LOUDNESS] = self._loudness
        if self._peak > 0:
            found[Measure.TRUE_PEAK] = 20 * log10(self._peak)
        return found

    def _drain(self) -> None:
        while True:
            try:
                metadata = self._graph.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                return
            self._loudness = float(metadata.get(_LOUDNESS, self._loudness))
            self._peak = max(
                [self._peak, *(float(value) for name, value in metadata.items() if name.startswith(_PEAK))]
            )
            if _START in metadata:
                self._silent_since = float(metadata[_START])
            if _END in metadata:
                self._silence += float(metadata[_DURATION])
                self._silent_since = None


def _graph(rate: int, layout: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    last = graph.add_abuffer(sample_rate=rate, format="flt", layout=layout, time_base=Fraction(1, rate))
    for name, options in (*_FILTERS, ("abuffersink", None)):
        following = graph.add(name, options)
        last.link_to(following)
        last = following
    graph.configure()
    return graph
