"""Reading of PCM wav files with the standard library."""

import io
import wave
from typing import Any

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of

Sound = np.ndarray[Any, np.dtype[np.float32]]
_BYTES = 2


def read_wave(data: bytes, where: str, *, rate: int, length: int | None = None) -> Sound:
    """Read the first `length` samples (default: all) of a mono 16-bit wav file with the sample rate `rate` in Hz.

    Returns float32 (n,) in [-1, 1), as soundfile does. `where` is the name of the file in messages. Raises SpecError
    for another format, sample rate or number of channels, and for a file with fewer samples.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            raw = file.readframes(file.getnframes() if length is None else length)
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise several types, including RuntimeError
        raise SpecError(f"not a PCM wav file: {error}", where=where, hint="convert it to 16-bit PCM") from error
    if found != (1, _BYTES, rate):
        raise SpecError(
            f"{found[0]} channels of {8 * found[1]} bits at {found[2]} Hz, not one of 16 bits at {rate} Hz",
            where=where,
            hint="convert it, or pass its sample rate",
        )
    if length is not None and len(raw) < length * _BYTES:
        raise SpecError(f"{count_of(len(raw) // _BYTES, 'sample')}, less than the {length} of a segment", where=where)
    return np.frombuffer(raw, "<i2", count=len(raw) // _BYTES).astype(np.float32) / np.float32(32768)
