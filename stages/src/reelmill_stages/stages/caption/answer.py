"""The answer to a question: extracted from the response, validated, and converted to its stored form."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import referencing

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.terminal import printable
from reelmill_stages.untrusted.nested import JsonError, load_json

LONGEST = 1 << 20
"""Maximum length of an answer in characters."""
_MOST_TOKENS = 1 << 40
_FENCE = "```"


def validator(block: CaptionBlock) -> jsonschema.Draft202012Validator | None:
    """Return the validator of the block's schema, which loads no other schemas. Raises SpecError for a bad schema."""
    if block.answer_schema is None:
        return None
    try:
        jsonschema.Draft202012Validator.check_schema(block.answer_schema)
    except jsonschema.SchemaError as error:
        raise SpecError(
            f"not a JSON schema: {error.message}", where="caption.schema", hint="write it in draft 2020-12"
        ) from error
    registry: referencing.Registry[Any] = referencing.Registry()
    return jsonschema.Draft202012Validator(block.answer_schema, registry=registry)


def tokens(response: Mapping[str, Any]) -> dict[str, int]:
    """Return the token counts of the server (`usage`), by counter; without tokens if it reported none."""
    usage = response.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    prompt, answer = (_token_count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    if prompt is None and answer is None:
        return {StageCounter.REQUESTS: 1}
    counted = (prompt or 0, answer or 0)
    return {
        StageCounter.TOKENS: sum(counted),
        StageCounter.PROMPT_TOKENS: counted[0],
        StageCounter.ANSWER_TOKENS: counted[1],
        StageCounter.REQUESTS: 1,
    }


def text_of(response: Mapping[str, Any]) -> str:
    """Return the text of the first choice. Raises ItemError: `answer_refused`, `answer_cut`, `bad_answer`."""
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        error = response.get("error")
        why = error.get("message") if isinstance(error, dict) else error
        note = f", but the error: {printable(why)[:200]}" if isinstance(why, str) else ""
        raise ItemError(ItemReason.BAD_ANSWER, f"the response has no choices[0].message{note}")
    ended, refusal = first.get("finish_reason"), message.get("refusal")
    if ended == "content_filter" or refusal:
        why = f": {printable(refusal)[:200]}" if isinstance(refusal, str) else " (content_filter)"
        raise ItemError(ItemReason.ANSWER_REFUSED, f"the model refused{why}")
    if ended == "length":
        raise ItemError(ItemReason.ANSWER_CUT, "the answer reached maxTokens")
    return _plain_text(message.get("content"))


def value_of(text: str, schema: jsonschema.Draft202012Validator | None) -> Any:
    """Return the value of the field: the text, or with a schema the parsed JSON. Raises ItemError: `bad_answer`."""
    if schema is None:
        return text
    try:
        value = load_json(_unfenced(text))
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        problem = jsonschema.exceptions.best_match(schema.iter_errors(value))
    except (JsonError, ValueError) as error:
        raise ItemError(ItemReason.BAD_ANSWER, f"the answer is not JSON: {error}") from error
    except referencing.exceptions.Unresolvable as error:
        raise SpecError(
            f"the schema refers to {error.ref!r}, which it does not contain",
            where="caption.schema",
            hint="write the definition into the schema ($defs)",
        ) from error
    if problem is not None:
        raise ItemError(ItemReason.BAD_ANSWER, f"the answer breaks the schema: {_schema_problem(problem)}")
    return value


def _plain_text(content: object) -> str:
    if not isinstance(content, str | None):
        raise ItemError(ItemReason.BAD_ANSWER, "the content of the answer is not a string")
    if content is None or not content.strip():
        raise ItemError(ItemReason.BAD_ANSWER, "the answer is empty")
    if len(content) > LONGEST:
        raise ItemError(
            ItemReason.BAD_ANSWER, f"the answer has {count_of(len(content), 'character')}; at most {LONGEST} are kept"
        )
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise ItemError(ItemReason.BAD_ANSWER, f"the answer is not Unicode: {error.reason}") from error
    if "\0" in content:
        raise ItemError(ItemReason.BAD_ANSWER, "the answer contains a NUL character")
    return content.strip()


def _unfenced(text: str) -> str:
    """Extract JSON from a Markdown code block, which models often add."""
    if not (text.startswith(_FENCE) and text.endswith(_FENCE) and "\n" in text):
        return text
    return text.partition("\n")[2].removesuffix(_FENCE).strip()


def _schema_problem(error: jsonschema.ValidationError) -> str:
    return printable(f"{error.json_path}: {error.message}")[:200]


def _token_count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else None
