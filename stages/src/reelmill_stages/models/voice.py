"""Speech detection by Silero VAD versions 5 and 6 (MIT): a small recurrent network on 32 ms of sound at a time.

Each step takes 512 samples, the 64 samples before them, and a state of (2, 1, 128), and returns the probability of
speech. Probabilities are converted to speech like `get_speech_timestamps` of silero-vad, with one threshold to begin
and a lower one to end.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.media.decoding.speech_sound import RATE, Samples

STEP = 512
"""Samples per probability: 32 ms."""
_CONTEXT = 64
_HYSTERESIS = 0.15
_RATE = np.array(RATE, np.int64)

Step = np.ndarray[Any, np.dtype[np.float32]]
"""512 samples between -1 and 1."""
Probabilities = np.ndarray[Any, np.dtype[np.float32]]
Stretch = tuple[int, int]
"""[start, end) in samples."""


@dataclass(frozen=True, slots=True)
class VoiceRules:
    """Rules for converting probabilities to speech; lengths are in samples."""

    threshold: float
    min_speech: int
    min_silence: int
    pad: int


class VoiceModel:
    """The network, on one thread, so that results are the same on all machines of a kind."""

    def __init__(self, weights: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                weights.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises many types of errors without a common base
            raise _wrong_model_error(weights, str(error).splitlines()[0][:200]) from error
        names = {given.name for given in self._session.get_inputs()}
        if names != {"input", "state", "sr"}:
            raise _wrong_model_error(weights, f"its inputs are {', '.join(sorted(names))}, not input, sr and state")

    def probabilities(self, samples: Samples) -> Probabilities:
        """Return one probability for each started step of 512 samples."""
        listener = self.listener()
        steps = (samples[at : at + STEP] / np.float32(32768) for at in range(0, len(samples), STEP))
        return np.array([listener.hear(np.pad(step, (0, STEP - len(step)))) for step in steps], np.float32)

    def listener(self) -> "VoiceListener":
        """Return a listener for a new sound."""
        return VoiceListener(self._session)


class VoiceListener:
    """Processes one sound, step by step."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._state = np.zeros((2, 1, 128), np.float32)
        self._before: Step = np.zeros(_CONTEXT, np.float32)

    def hear(self, step: Step) -> float:
        """Return the probability of speech in the next step."""
        window = np.concatenate([self._before, step])[None]
        found, self._state = self._session.run(None, {"input": window, "state": self._state, "sr": _RATE})
        self._before = step[-_CONTEXT:]
        return float(found[0, 0])


def speech(found: Probabilities, length: int, rules: VoiceRules) -> list[Stretch]:
    """Return the intervals with speech, in order and disjoint, within `length` samples."""
    raw: list[Stretch] = []
    begun: int | None = None
    quiet: int | None = None
    for step, probability in enumerate(found):
        at = step * STEP
        if probability >= rules.threshold:
            begun, quiet = at if begun is None else begun, None
        elif begun is not None and probability < rules.threshold - _HYSTERESIS:
            quiet = at if quiet is None else quiet
            if at + STEP - quiet >= rules.min_silence:
                raw.append((begun, quiet))
                begun = quiet = None
    if begun is not None:
        raw.append((begun, length if quiet is None else quiet))
    return _padded_stretches([one for one in raw if one[1] - one[0] >= rules.min_speech], length, rules.pad)


def pieces(stretches: list[Stretch], found: Probabilities, longest: int) -> list[Stretch]:
    """Join speech over pauses of up to a second, and divide it where the voice is weakest, to at most `longest`."""
    joined: list[Stretch] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] <= RATE and end - joined[-1][0] <= longest:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return [part for one in joined for part in _divided_stretch(one, found, longest)]


def _divided_stretch(one: Stretch, found: Probabilities, longest: int) -> list[Stretch]:
    parts = []
    start, end = one
    while end - start > longest:
        # Divide in the second half of the allowed length, so that no part is short.
        first, last = (start + longest // 2) // STEP + 1, (start + longest) // STEP
        cut = (first + int(np.argmin(found[first:last]))) * STEP if last > first else start + longest
        parts.append((start, cut))
        start = cut
    return [*parts, (start, end)]


def _padded_stretches(stretches: list[Stretch], length: int, pad: int) -> list[Stretch]:
    found = []
    for number, (start, end) in enumerate(stretches):
        before = stretches[number - 1][1] if number else 0
        after = stretches[number + 1][0] if number + 1 < len(stretches) else length
        room_before = (start - before) // 2 if number else start
        room_after = (after - end) // 2 if number + 1 < len(stretches) else after - end
        found.append((start - min(pad, room_before), min(end + min(pad, max(room_after, 0)), length)))
    return found


def _wrong_model_error(weights: Path, why: str) -> SpecError:
    return SpecError(
        f"not a model of Silero VAD, version 5 or 6: {why}",
        where=weights.name,
        hint="give silero_vad.onnx out of the wheel of the package silero-vad",
    )
