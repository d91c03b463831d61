"""Transcripts: segments and words with times, from a response in the format `verbose_json`.

Format: https://platform.openai.com/docs/api-reference/audio/verbose-json-object
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.transcribe import TranscribeBlock

_LOW = -1.0
"""Mean log probability below which a segment that is probably not speech is left out."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with times.

    `start` and `end` are in seconds; `confidence` is a probability, or None if the model returns none.
    """

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class SpokenSegment(Word):
    """A sentence or part of one, with its words, if their times are known."""

    words: tuple[Word, ...] = ()

    def to_json(self) -> dict[str, Any]:
        words = [_word_row(word) for word in self.words]
        return {**_word_row(self), **({"words": words} if words else {})}


@dataclass(frozen=True, slots=True)
class Heard:
    """The transcript of one piece of sound; `dropped` counts segments and words that are not speech."""

    language: str
    segments: tuple[SpokenSegment, ...]
    dropped: int = 0


def parse_response(response: Mapping[str, Any], seconds: float, block: TranscribeBlock) -> Heard:
    """Parse the response for `seconds` of sound. Raises ItemError with reason `bad_answer`."""
    given, given_words = _list_field(response, "segments"), [*_list_field(response, "words")]
    given_words += _nested_words(given)
    # Whisper processes windows of 30 s, and may return words after the end of a shorter sound.
    rows, spoken_words = (
        [row for row in each if not _valid_number(row.get("start")) >= seconds] for each in (given, given_words)
    )
    dropped = len(given) - len(rows)
    segments = []
    for row in rows:
        segment = _segment(row, seconds)
        if (
            _valid_number(row.get("no_speech_prob"), 0.0) > block.no_speech
            and _valid_number(row.get("avg_logprob"), 0.0) < _LOW
        ):
            dropped += 1
        elif segment.text:
            segments.append(segment)
    words = [_word(row, "word", seconds) for row in spoken_words]
    if block.times == "word" and segments and not words:
        raise ItemError(ItemReason.BAD_ANSWER, "the answer has no times of words: set times: segment")
    text = response.get("text")
    if not segments and not dropped and isinstance(text, str) and text.strip():
        if not words:
            raise ItemError(ItemReason.BAD_ANSWER, "the answer has text, but no segments and no words with times")
        segments = [SpokenSegment(_clean(text), words[0].start, words[-1].end)]
    language = response.get("language")
    return Heard(
        _clean(language)[:32] if isinstance(language, str) else "",
        tuple(_with_confidence(segment) for segment in _with_words(segments, words)),
        dropped,
    )


def moved(found: Heard, by: float, spoken: Sequence[tuple[float, float]]) -> Heard:
    """Shift a transcript by `by` seconds, without words (or segments without words) outside of speech."""
    segments = []
    dropped = found.dropped
    for one in found.segments:
        kept = [
            replace(word, start=word.start + by, end=word.end + by)
            for word in one.words
            if _is_spoken((word.start + word.end) / 2 + by, spoken)
        ]
        dropped += len(one.words) - len(kept)
        at = replace(one, start=one.start + by, end=one.end + by, words=tuple(kept))
        if one.words and not kept:
            continue
        if not one.words and not any(start < at.end and at.start < end for start, end in spoken):
            dropped += 1
            continue
        if len(kept) < len(one.words):
            at = replace(at, text=" ".join(word.text for word in kept), start=kept[0].start, end=kept[-1].end)
        segments.append(at)
    return Heard(found.language, tuple(segments), dropped)


def language_of(pieces: Iterable[tuple[Heard, float]]) -> tuple[str, float] | None:
    """Return the language of most of the speech, and its share; `pieces` contain their lengths. None: unknown."""
    lengths: dict[str, float] = {}
    for found, seconds in pieces:
        if found.language and found.segments:
            lengths[found.language] = lengths.get(found.language, 0.0) + seconds
    if not lengths:
        return None
    most = max(sorted(lengths), key=lambda language: lengths[language])
    return most, lengths[most] / sum(lengths.values())


def _segment(row: Any, seconds: float) -> SpokenSegment:
    word = _word(row, "text", seconds)
    log = row.get("avg_logprob") if isinstance(row, dict) else None
    sure = min(math.exp(log), 1.0) if isinstance(log, int | float) and math.isfinite(log) else None
    return SpokenSegment(word.text, word.start, word.end, sure if word.confidence is None else word.confidence)


def _word(row: Any, name: str, seconds: float) -> Word:
    if not isinstance(row, dict) or not isinstance(row.get(name), str):
        raise ItemError(ItemReason.BAD_ANSWER, f"a part of the answer has no {name}")
    start, end = _valid_number(row.get("start")), _valid_number(row.get("end"))
    if not 0 <= start <= end:
        raise ItemError(ItemReason.BAD_ANSWER, f"a part of the answer has no valid times: {start} to {end}")
    sure = _valid_number(row.get("probability", row.get("confidence")), -1.0)
    return Word(_clean(row[name]), min(start, seconds), min(end, seconds), sure if 0 <= sure <= 1 else None)


def _with_words(segments: Sequence[SpokenSegment], words: Sequence[Word]) -> Iterator[SpokenSegment]:
    """Assign each word to the segment that contains its middle, or to the nearest one."""
    taken: dict[int, list[Word]] = {}
    for word in words:
        if word.text and segments:
            middle = (word.start + word.end) / 2
            near = min(range(len(segments)), key=lambda at: _distance(segments[at], middle))
            taken.setdefault(near, []).append(word)
    for at, segment in enumerate(segments):
        yield replace(segment, words=tuple(sorted(taken.get(at, ()), key=lambda word: (word.start, word.end))))


def _with_confidence(segment: SpokenSegment) -> SpokenSegment:
    sure = [word.confidence for word in segment.words if word.confidence is not None]
    return replace(segment, confidence=sum(sure) / len(sure)) if sure else segment


def _distance(segment: SpokenSegment, at: float) -> float:
    return max(segment.start - at, at - segment.end, 0.0)


def _is_spoken(at: float, spoken: Sequence[tuple[float, float]]) -> bool:
    return any(start <= at <= end for start, end in spoken)


def _list_field(response: Mapping[str, Any], name: str) -> list[Any]:
    rows = response.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ItemError(ItemReason.BAD_ANSWER, f"{name} of the answer is not a list of objects")
    return rows


def _nested_words(rows: Sequence[Any]) -> list[Any]:
    """Return words that are inside of segments, as some servers return them."""
    return [word for row in rows for word in _list_field(row, "words")]


def _valid_number(value: object, otherwise: float = math.nan) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else otherwise  # type: ignore[arg-type]


def _clean(text: str) -> str:
    """Return one line of valid Unicode."""
    return " ".join(text.replace("\0", " ").encode(errors="replace").decode().split())


def _word_row(word: Word) -> dict[str, Any]:
    sure = {} if word.confidence is None else {"confidence": round(word.confidence, 4)}
    return {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3), **sure}
