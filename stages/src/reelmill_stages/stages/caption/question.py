"""The question about one item: its identity, and the request (https://platform.openai.com/docs/api-reference/chat)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill_stages.media.timeline import item_span
from reelmill_stages.stages.caption.template import rendered


@dataclass(frozen=True, slots=True)
class Question:
    """The prompts for one item.

    `identity` is everything that the answer depends on: the parameters, the prompts, and the file by its digest (or the
    version of a source's object) and span.
    """

    prompt: str
    system: str | None
    identity: str


def question(item: Item, block: CaptionBlock) -> Question:
    """Return the question about an item. Raises ItemError with reason `no_field` or `bad_span`."""
    prompt = rendered(block.prompt, item.fields)
    system = None if block.system is None else rendered(block.system, item.fields)
    identity_parts = {
        "version": block.data_version,
        "params": block.canonical(),
        "prompt": prompt,
        "system": system,
        "media": None if item.media is None else _content_identity(item.media, item_span.span(item)),
    }
    return Question(prompt, system, json.dumps(identity_parts, sort_keys=True))


def request(prepared: Question, pictures: Sequence[dict[str, Any]], block: CaptionBlock) -> dict[str, Any]:
    """Return the body of POST /chat/completions."""
    content = [*pictures, {"type": "text", "text": prepared.prompt}]
    system = [] if prepared.system is None else [{"role": "system", "content": prepared.system}]
    schema = {"name": "answer", "schema": block.answer_schema, "strict": True}
    return {
        "model": block.model,
        "messages": [*system, {"role": "user", "content": content}],
        "temperature": block.temperature,
        "seed": block.seed,
        "max_tokens": block.max_tokens,
        **({"response_format": {"type": "json_schema", "json_schema": schema}} if block.answer_schema else {}),
        **block.extra,
    }


def _content_identity(media: Media, span: Span | None) -> list[Any]:
    """Return what distinguishes the content of a file from that of others."""
    content = [media.digest] if media.digest else [media.uri, media.size, media.etag, media.version]
    return [*content, *([span.start, span.end] if span else [])]
