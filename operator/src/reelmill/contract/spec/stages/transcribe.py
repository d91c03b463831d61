"""`transcribe`: what is said in videos, with times."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Duration
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.model_server import ModelServer
from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.caption import FieldName


class WhisperFiles(SpecModel):
    """A Whisper model in the form of CTranslate2, as faster-whisper reads it."""

    model: FileRef
    """`model.bin`."""
    config: FileRef
    """`config.json`."""
    tokenizer: FileRef
    """`tokenizer.json`."""
    vocabulary: FileRef
    """`vocabulary.json`."""
    preprocessor: FileRef | None = None
    """`preprocessor_config.json`; needed for models with 128 mel bands, such as large-v3."""
    precision: Literal["float32", "float16", "int8"] = "float32"
    """Precision of the computation."""
    beam_size: Annotated[int, Field(ge=1, le=32)] = 5
    """Number of beams of the search."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` uses a GPU if the pod has one; videos that are processed on the CPU instead are counted
    (`gpu_fallback`)."""


class VoiceActivity(SpecModel):
    """Where somebody speaks, by Silero VAD (https://github.com/snakers4/silero-vad)."""

    weights: FileRef
    """`silero_vad.onnx` of version 5 or 6, for example from the wheel of the package silero-vad."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability above which 32 ms of sound are speech. Speech ends where it stays below this less 0.15."""
    min_speech: Duration = "250ms"
    """Minimum length of speech; what is shorter is noise."""
    min_silence: Duration = "300ms"
    """Minimum length of a pause; shorter ones are part of the speech."""
    pad: Duration = "100ms"
    """Sound that is added before and after speech, where there is no other speech."""


class TranscribeBlock(StageBlock):
    """Writes down what is said: first it finds where somebody speaks, then a model hears only that. So silence, music
    and noise give no words. The media are not touched; each item gains fields and a WebVTT file.
    """

    takes = frozenset({"videos", "spans"})
    spans_ignored = True
    passes_items = True
    keeps_fields = True
    not_in_key: ClassVar[frozenset[str]] = frozenset({"server", "concurrency", "timeout"})

    voice: VoiceActivity
    """Where somebody speaks."""
    server: ModelServer | None = None
    """An OpenAI-compatible server with `/audio/transcriptions` that answers in the format `verbose_json`."""
    model: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Name of the model on the server."""
    whisper: WhisperFiles | None = None
    """A model that runs in the pods, instead of a server."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$", max_length=3)] | None = None
    """Language, such as `en`. If absent, the model detects it."""
    prompt: Annotated[str, Field(max_length=4096)] = ""
    """Text before the first word, for names and spelling."""
    track: Annotated[int, Field(ge=0, le=63)] = 0
    """Sound track to transcribe, counted from 0. An item without it has no words and is counted (`no_sound`)."""
    max_length: Duration = "30s"
    """Maximum length of the sound in one request; longer speech is divided where the voice is weakest."""
    times: Literal["word", "segment"] = "word"
    """Smallest unit with times. `segment` is for servers without times of words."""
    no_speech: Annotated[float, Field(gt=0, le=1)] = 0.6
    """A segment is left out if the model's probability of no speech (`no_speech_prob`) is above this and its mean log
    probability below -1, as in Whisper."""
    field: FieldName = "transcript"
    """Field of the item for the whole text."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Number of requests that a pod has in flight, as in `caption`. With `whisper`, a pod has one worker process,
    unless the stage sets `workers`."""
    timeout: Duration = "100s"
    """Maximum time for one request, with all attempts. Must be less than `failures.itemTimeout`."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({self.field, SPEECH})

    @property
    def pod_workers(self) -> int:
        return self.concurrency if self.whisper is None else 1

    @property
    def torch_image(self) -> bool:
        return self.whisper is not None

    @property
    def secret_variables(self) -> tuple[str, ...]:
        return (self.server.api_key_env,) if self.server and self.server.api_key_env else ()

    def refusals(self) -> list[str]:
        wrong = []
        if (self.server is None) == (self.whisper is None):
            wrong.append("one of server and whisper is required, and not both")
        if (self.server is None) != (self.model is None):
            wrong.append("model is the name of a model on the server: give both")
        if self.field == SPEECH:
            wrong.append(f"field must not be {SPEECH}, which holds the segments")
        return wrong


SPEECH = "speech"
"""Field of an item for language, confidence, share and segments."""
