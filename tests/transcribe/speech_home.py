"""The folder with what makes, finds and recognises speech; and words said by espeak-ng.

Run as a script it says a text: `python speech_home.py OUTPUT.wav TEXT`.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

from footage import CACHE
from tools.package_folder import PackageFolder

SPEECH = PackageFolder("speech", Path(__file__).with_name("models.lock"))
VOICE_MODEL = "silero_vad/data/silero_vad.onnx"


def voice_model() -> Path:
    """`silero_vad.onnx`. Raises Unavailable."""
    return SPEECH.find() / VOICE_MODEL


def said(text: str) -> Path:
    """A WAV file in which espeak-ng says a text, made once per machine. Raises Unavailable."""
    path = CACHE / f"said-{hashlib.sha256(text.encode()).hexdigest()[:16]}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [sys.executable, __file__, str(SPEECH.find()), str(unfinished), text],
            check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        unfinished.rename(path)
    return path


def _say(home: str, path: str, text: str) -> None:
    """With the C interface of espeak-ng (speak_lib.h), because the library has no bindings in the package."""
    folder = Path(home, "espeakng_loader")
    library = ctypes.CDLL(str(folder / "libespeak-ng.so.1"))
    sound = bytearray()

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def heard(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            sound.extend(ctypes.string_at(samples, 2 * count))
        return 0

    rate = library.espeak_Initialize(2, 0, str(folder / "espeak-ng-data").encode(), 0)
    library.espeak_SetSynthCallback(heard)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_SetParameter(1, 130, 0)
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)
    library.espeak_Synchronize()
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(sound))


if __name__ == "__main__":
    _say(*sys.argv[1:])
