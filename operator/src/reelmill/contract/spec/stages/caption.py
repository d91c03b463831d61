"""`caption`: describe videos in words with a vision-language model on a server."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Duration
from reelmill.contract.spec.model_server import AnswerLimits, ModelServer

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*(?:\.\w+)*)\}|[{}]")
"""A placeholder of a template, an escaped brace, or a single brace, which is an error."""
RESERVED_FIELDS = frozenset({"key", "ordinal", "group", "weight", "media", "outputs", "provenance", "_position"})
"""Names of an item's row that no stage may write as a field."""


def _template(text: str) -> str:
    if any(found[0] in ("{", "}") for found in PLACEHOLDER.finditer(text)):
        raise ValueError("write a placeholder as {field} or {field.part}, and a brace as {{ or }}")
    return text


def _field(name: str) -> str:
    if name in RESERVED_FIELDS:
        raise ValueError(f"{name!r} is reserved for reelmill: choose another field")
    return name


Template = Annotated[str, Field(min_length=1, max_length=16_384), AfterValidator(_template)]
"""Text with placeholders, `{text}` or `{measures.luma}`, for fields of the item; `{{` is a brace."""
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$", max_length=64), AfterValidator(_field)]
"""Name of a field of an item."""


class CaptionBlock(StageBlock):
    """Asks a model on an OpenAI-compatible server about each video, and writes the answer to a field of its item. The
    media are not touched. The address of the server is no part of the stage key; the model and all that it is asked
    are.
    """

    takes = frozenset({"videos", "spans"})
    spans_ignored = True
    passes_items = True
    keeps_fields = True
    not_in_key: ClassVar[frozenset[str]] = frozenset({"server", "limits", "concurrency", "timeout"})

    server: ModelServer
    """The server with the model."""
    model: Annotated[str, Field(min_length=1, max_length=256)]
    """Name of the model on the server."""
    prompt: Template = "Describe this video in one paragraph."
    """The prompt. `{text}` stands for a field of the item and `{measures.luma}` for a part of one; an item without the
    field is `failed(no_field)`. Braces are written `{{` and `}}`."""
    system: Template | None = None
    """The system prompt, with placeholders like `prompt`. If absent, none is sent."""
    send: Literal["frames", "video"] = "frames"
    """What the model sees: `frames`: JPEG images from the centres of equal parts; `video`: the file itself, as a
    `video_url` of vLLM, which must be a whole file of at most `maxVideoBytes`."""
    frames: Annotated[int, Field(ge=1, le=256)] = 8
    """Number of frames with `send: frames`; a shorter video has fewer."""
    max_side: Annotated[int, Field(ge=32, le=8192)] = 768
    """Maximum length in pixels of the longer side of a frame; larger frames are scaled down."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 90
    """JPEG quality of the frames."""
    max_video_bytes: Annotated[int, Field(ge=1, le=2**28)] = 2**25
    """Maximum size of a file with `send: video`; larger ones are `failed(too_large)`."""
    field: FieldName = "text"
    """Field of the item that the answer is written to; an earlier value is replaced. Later stages read captions from
    `text`."""
    answer_schema: Annotated[dict[str, Any], Field(max_length=64)] | None = Field(None, alias="schema")
    """JSON schema (draft 2020-12) that the answer must satisfy; it is sent as `response_format`, too. The field is then
    the parsed value, and any other answer is `failed(bad_answer)`."""
    text_property: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """With `schema`: the property of the answer, a string, that is also written to the field `text`."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Sampling temperature. 0 takes the most likely token each time."""
    seed: int = 0
    """Seed of the sampling. Whether equal requests give equal answers is up to the server."""
    max_tokens: Annotated[int, Field(ge=1, le=131_072)] = 512
    """Maximum number of tokens of an answer; a longer one is `failed(answer_cut)`."""
    extra: Annotated[dict[str, Any], Field(max_length=32)] = Field(default_factory=dict)
    """Further fields of the request, such as `top_p` or `chat_template_kwargs`. All of them are part of the stage
    key."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Number of requests that a pod has in flight: its number of worker processes, unless the stage sets `workers`."""
    timeout: Duration = "100s"
    """Maximum time for one answer, with all attempts: 429 (and its Retry-After), 5xx and broken connections are tried
    again within it. Must be less than `failures.itemTimeout`."""
    limits: AnswerLimits = AnswerLimits()
    """Limits of what the stage may spend."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({self.field, *(["text"] if self.text_property else [])})

    def read_fields(self) -> Sequence[tuple[str, str]]:
        templates = ("prompt", self.prompt), ("system", self.system or "")
        return [(path, found[1]) for path, text in templates for found in PLACEHOLDER.finditer(text) if found[1]]

    @property
    def pod_workers(self) -> int:
        return self.concurrency

    @property
    def secret_variables(self) -> tuple[str, ...]:
        return (self.server.api_key_env,) if self.server.api_key_env else ()

    @property
    def budget(self) -> tuple[str, int] | None:
        return ("tokens", self.limits.tokens) if self.limits.tokens else None

    def refusals(self) -> list[str]:
        wrong = []
        if self.text_property and self.answer_schema is None:
            wrong.append("textProperty needs a schema")
        if self.text_property and self.field == "text":
            wrong.append("with textProperty, field must be another one than text, such as description")
        if taken := sorted(self.extra.keys() & OWN_REQUEST_FIELDS):
            wrong.append(f"extra must not contain {', '.join(taken)}, which the stage sets")
        return wrong


OWN_REQUEST_FIELDS = frozenset(
    {"model", "messages", "temperature", "seed", "max_tokens", "response_format", "stream", "n"}
)
"""Fields of a request that the stage sets."""
