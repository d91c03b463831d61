"""A model of faster-whisper out of files of the store: it loads, hears, and answers in the form of a server."""

from pathlib import Path

import numpy as np
import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.transcribe import TranscribeBlock
from reelmill_stages.stages.transcribe.engines import WhisperEngine
from reelmill_stages.stages.transcribe.transcript import parse_response
from with_torch.transcribe.tiny_whisper import write

pytestmark = pytest.mark.store  # needs no server, but faster-whisper


def block(files: dict[str, Path]) -> TranscribeBlock:
    refs = {name: {"uri": str(path)} for name, path in files.items()}
    given = {"voice": {"weights": {"uri": "v.onnx"}}, "whisper": {**refs, "device": "cpu"}, "language": "en"}
    return TranscribeBlock.model_validate(given)


def read(uri: str, digest: str = "") -> Path:
    return Path(uri)


def test_009_f03_a_model_of_files_hears_and_its_words_have_times(tmp_path: Path) -> None:
    made = block(write(tmp_path / "whisper"))
    engine = WhisperEngine(made, read)
    sound = (np.random.default_rng(0).standard_normal(32_000) * 3000).astype(np.int16)
    response = engine.hear(sound)
    assert (engine.on_gpu, response["language"]) == (False, "en")
    assert response == WhisperEngine(made, read).hear(sound)
    for segment in response["segments"]:
        assert segment.keys() == {"text", "start", "end", "avg_logprob", "no_speech_prob", "words"}
        assert all(word.keys() == {"word", "start", "end", "probability"} for word in segment["words"])
    # Weights by chance say anything, also behind the end of the sound, where nothing is taken up.
    assert all(word.end <= 2.0 for segment in parse_response(response, 2.0, made).segments for word in segment.words)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    files = write(tmp_path / "whisper")
    files["model"].write_bytes(b"not a model")
    with pytest.raises(SpecError, match="faster-whisper cannot load"):
        WhisperEngine(block(files), read)
