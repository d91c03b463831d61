"""Converts samples to turns: pieces of text and placeholders of images, with or without a loss.

A sample has the fields `prompt` and `txt` (images and a caption), or `conversations`. In prompts and turns of a human,
`<image>`, `<Iimage>` and `<Pimage>` are placeholders of images.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of

_PLACE = re.compile(r"<[IP]?image>")
_VIDEO = re.compile(r"<(?:video|image)>\n?")
"""Placeholder in a conversation for all images of the video."""
_ASKS = frozenset({"human", "user", "system"})
_ANSWERS = frozenset({"gpt", "assistant"})

IMAGE = None
"""An image in `Turn.pieces`."""


class Turn(NamedTuple):
    """A turn: its `pieces`, which are texts or `IMAGE`, and whether its tokens have a loss (`learned`)."""

    pieces: tuple[str | None, ...]
    learned: bool


def turns_of(read: Mapping[str, Any], images: int) -> list[Turn]:
    """The turns of a sample, from its json.

    Raises ItemError with reason `no_text` if there is no text with a loss, `bad_turn`, or `image_count` if the numbers
    of placeholders and images differ.
    """
    conversations = read.get("conversations")
    found = _conversation_turns(conversations, read, images) if conversations else _caption_turns(read)
    places = sum([turn.pieces.count(IMAGE) for turn in found])
    if places != images:
        raise ItemError(ItemReason.IMAGE_COUNT, f"{count_of(images, 'image')} and {count_of(places, 'place')} for them")
    if True not in [turn.learned for turn in found]:
        raise ItemError(ItemReason.NO_TEXT, "it has no answer to learn")
    return found


def _caption_turns(read: Mapping[str, Any]) -> list[Turn]:
    text = read.get("txt", read.get("caption"))
    if not isinstance(text, str) or not text:
        raise ItemError(ItemReason.NO_TEXT, "it has neither a caption (txt) nor conversations")
    prompt = read.get("prompt", "")
    if not isinstance(prompt, str):
        raise ItemError(ItemReason.BAD_TURN, "its prompt is not text")
    return [Turn(_pieces(_valid_text(prompt)), learned=False), Turn((_valid_text(text),), learned=True)]


def _conversation_turns(conversation: Any, read: Mapping[str, Any], images: int) -> list[Turn]:
    turns: list[Turn] = []
    prompt = read.get("prompt", "<image>" * images)
    shown = images > 0 and _count_placeholders(conversation) == images
    for turn in conversation if isinstance(conversation, Sequence) and not isinstance(conversation, str) else [None]:
        who, text = _checked_turn(turn)
        learned = who in _ANSWERS
        if not learned and not shown and who != "system" and isinstance(prompt, str):
            text, shown = _with_images(text, prompt, images), True
        turns.append(Turn((text,) if learned else _pieces(text), learned))
    return turns


def _count_placeholders(conversation: Any) -> int:
    """Return the number of placeholders in all questions, which mark the images of an interleaved document.

    Returns -1 if there is a placeholder of a video.
    """
    questions = (
        [text for who, text in map(_checked_turn, conversation) if who in _ASKS]
        if isinstance(conversation, list)
        else []
    )
    return -1 if any("<video>" in text for text in questions) else sum(len(_PLACE.findall(text)) for text in questions)


def _checked_turn(turn: Any) -> tuple[str, str]:
    who = turn.get("from") if isinstance(turn, Mapping) else None
    text = turn.get("value") if isinstance(turn, Mapping) else None
    if who not in _ASKS | _ANSWERS or not isinstance(text, str):
        raise ItemError(ItemReason.BAD_TURN, "a turn is {from: human, gpt, user, assistant or system, value: text}")
    return str(who), _valid_text(text)


def _valid_text(text: str) -> str:
    """Return the text. Raises ItemError with reason `bad_json` for an unpaired surrogate, which JSON can contain."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = text[error.start].encode("unicode_escape").decode()
            raise ItemError(ItemReason.BAD_JSON, f"a text contains {half}, half of a surrogate pair") from error
    return text


def _with_images(text: str, prompt: str, images: int) -> str:
    """Return the first question with placeholders of all images; a placeholder of a video becomes one per frame."""
    if len(_PLACE.findall(text)) == images and "<video>" not in text:
        return text
    if images and _VIDEO.search(text):
        return _VIDEO.sub(lambda _: f"{prompt}\n", text, count=1)
    return f"{prompt}\n{text}" if images else text


def _pieces(text: str) -> tuple[str | None, ...]:
    if "<" not in text:
        return (text,) if text else ()
    pieces: list[str | None] = []
    end = 0
    for place in _PLACE.finditer(text):
        pieces += [text[end : place.start()], IMAGE]
        end = place.end()
    return tuple(piece for piece in (*pieces, text[end:]) if piece != "")
