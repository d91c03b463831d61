"""Speech by Silero VAD: the share of windows of 32 ms in which the model hears a voice."""

from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame

from reelmill.contract.spec.measure_models import SpeechModel
from reelmill_stages.stages.measure.models import Fetch
from reelmill_stages.stages.measure.scores.session import Session, check_names, open_session
from reelmill_stages.stages.measure.sound.hear import Voices
from reelmill_stages.stages.measure.sound.listening import Samples

RATE = 16_000
WINDOW = 512
"""Samples of a window."""
_RATE = np.array(RATE, np.int64)
_BEFORE = 64
"""Samples before a window that the model sees as well."""


def voices(block: SpeechModel, fetch: Fetch) -> Voices:
    """Load the model. Raises SpecError for a file that is none."""
    session = open_session("speech.weights", block.weights, fetch)
    check_names(session, "speech.weights", block.weights, ("input", "state", "sr"), ("output", "stateN"))
    return lambda rate, layout: VoiceDetector(session, block.min_score, rate, layout)


class VoiceDetector:
    """Listens to the sound of one clip."""

    def __init__(self, session: Session, least: float, rate: int, layout: str) -> None:
        self._session = session
        self._least = least
        self._rate, self._layout = rate, layout
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        self._state = np.zeros((2, 1, 128), np.float32)
        self._before = np.zeros(_BEFORE, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._windows = self._spoken = 0
        self._samples = 0

    def add(self, samples: Samples) -> None:
        """The next samples."""
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += len(samples)
        self._take(self._resampler.resample(frame))

    def share(self) -> float | None:
        """The share of the windows with speech; None for less than a window of sound. To be called once."""
        self._take(self._resampler.resample(None))
        return self._spoken / self._windows if self._windows else None

    def _take(self, frames: list[AudioFrame]) -> None:
        self._rest = np.concatenate([self._rest, *(frame.to_ndarray().ravel() for frame in frames)])
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            seen = np.concatenate([self._before, window])[None]
            found, self._state = self._session.run({"input": seen, "state": self._state, "sr": _RATE})
            self._before = window[-_BEFORE:]
            self._windows += 1
            self._spoken += bool(found[0, 0] >= self._least)
