"""Speech detection by Silero VAD: the share of 32 ms windows in which the model detects a voice."""

from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.measure_models import SpeechModel
from reelmill_stages.measuring.models import Fetch
from reelmill_stages.measuring.scores.session import unfit
from reelmill_stages.measuring.sound.samples import Samples
from reelmill_stages.measuring.sound.shared_decode import Voices
from reelmill_stages.media.decoding.speech_sound import RATE
from reelmill_stages.models.voice import STEP, VoiceModel


def voices(block: SpeechModel, fetch: Fetch) -> Voices:
    """Load the model. Raises SpecError if the file is not a model."""
    try:
        model = VoiceModel(fetch(block.weights))
    except SpecError as error:
        raise unfit("speech.weights", block.weights, error.what) from error
    return lambda rate, layout: VoiceDetector(model, block.min_score, rate, layout)


class VoiceDetector:
    """Detects speech in the sound of one clip."""

    def __init__(self, model: VoiceModel, least: float, rate: int, layout: str) -> None:
        self._listener = model.listener()
        self._least = least
        self._rate, self._layout = rate, layout
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        self._rest = np.zeros(0, np.float32)
        self._windows = self._spoken = 0
        self._samples = 0

    def add(self, samples: Samples) -> None:
        """Add the next samples."""
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += len(samples)
        self._take(self._resampler.resample(frame))

    def share(self) -> float | None:
        """Return the share of windows with speech; None for less than a window of sound. Call this once."""
        self._take(self._resampler.resample(None))
        return self._spoken / self._windows if self._windows else None

    def _take(self, frames: list[AudioFrame]) -> None:
        self._rest = np.concatenate([self._rest, *(frame.to_ndarray().ravel() for frame in frames)])
        while len(self._rest) >= STEP:
            window, self._rest = self._rest[:STEP], self._rest[STEP:]
            self._windows += 1
            self._spoken += self._listener.hear(window) >= self._least
