"""Speech recognition by a model on a server, or by one in the process. Both return the format `verbose_json`."""

import io
import tempfile
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.transcribe import TranscribeBlock, WhisperFiles
from reelmill_stages.media.decoding.speech_sound import RATE, Samples
from reelmill_stages.media.gpu import gpus
from reelmill_stages.model_servers.client import ModelClient
from reelmill_stages.models.extra import load
from reelmill_stages.stage import ReadFile


class Engine(Protocol):
    """Transcribes pieces of sound."""

    on_gpu: bool
    """Whether the model runs on a GPU of the pod."""

    def hear(self, samples: Samples) -> Mapping[str, Any]:
        """Transcribe a piece of sound. Raises ItemError and SpecError."""
        ...


class ServerEngine:
    """A model on an OpenAI-compatible server."""

    on_gpu = False

    def __init__(self, block: TranscribeBlock) -> None:
        assert block.server is not None
        self._client = ModelClient(block.server, seconds(block.timeout))
        self._block = block

    def check(self) -> None:
        assert self._block.server is not None
        assert self._block.model is not None
        self._client.check(self._block.model, listed=self._block.server.check_model)

    def hear(self, samples: Samples) -> Mapping[str, Any]:
        block = self._block
        grain = ["segment", "word"] if block.times == "word" else ["segment"]
        form = {
            "model": block.model,
            "response_format": "verbose_json",
            "timestamp_granularities[]": grain,
            "temperature": "0",
            **({"language": block.language} if block.language else {}),
            **({"prompt": block.prompt} if block.prompt else {}),
        }
        file = {"file": ("speech.wav", wav(samples), "audio/wav")}
        return self._client.post("/audio/transcriptions", data=form, files=file)


class WhisperEngine:
    """faster-whisper with weights from the store."""

    def __init__(self, block: TranscribeBlock, read: ReadFile) -> None:
        assert block.whisper is not None
        self._block, files = block, block.whisper
        self.on_gpu = files.device != "cpu" and bool(gpus())
        whisper = load("faster_whisper")
        with tempfile.TemporaryDirectory(prefix="whisper-") as folder:
            for name, ref in whisper_files(files).items():
                Path(folder, name).symlink_to(read(ref.uri, ref.digest or "").absolute())
            device = "cuda" if self.on_gpu else "cpu"
            try:
                self._model = whisper.WhisperModel(
                    folder, device=device, compute_type=files.precision, local_files_only=True
                )
            except Exception as error:  # CTranslate2 and tokenizers raise many types
                raise SpecError(
                    f"faster-whisper cannot load these files: {str(error).splitlines()[0][:200]}",
                    where=f"whisper.model: {files.model.uri}",
                    hint="give the files of one model in the CTranslate2 format",
                ) from error

    def hear(self, samples: Samples) -> Mapping[str, Any]:
        assert self._block.whisper is not None
        found, info = self._model.transcribe(
            samples.astype(np.float32) / 32768,
            language=self._block.language,
            initial_prompt=self._block.prompt or None,
            beam_size=self._block.whisper.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=self._block.times == "word",
            vad_filter=False,
        )
        return {"language": info.language, "segments": [_segment_row(segment) for segment in found]}


def whisper_files(files: WhisperFiles) -> dict[str, FileRef]:
    """Return file name expected by CTranslate2 and faster-whisper -> file."""
    named = {
        "model.bin": files.model,
        "config.json": files.config,
        "tokenizer.json": files.tokenizer,
        "vocabulary.json": files.vocabulary,
    }
    return named | ({"preprocessor_config.json": files.preprocessor} if files.preprocessor else {})


def wav(samples: Samples) -> bytes:
    """Return a WAV file of 16-bit samples."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return made.getvalue()


def _segment_row(segment: Any) -> dict[str, Any]:
    names = ("text", "start", "end", "avg_logprob", "no_speech_prob")
    words = [
        {name: getattr(word, name) for name in ("word", "start", "end", "probability")} for word in segment.words or ()
    ]
    return {**{name: getattr(segment, name) for name in names}, "words": words}
