"""CLIP text tokens without torch: 77 ids, identical to those of Hugging Face's tokenizer or of open_clip.

The two differ in the cleaning of captions before the byte pair encoding, and in padding: 49407 (end of text) in Hugging
Face, 0 in open_clip.
"""

import html
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

import ftfy
import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.frames.captions import merges
from reelmill_stages.stages.frames.captions.bytepairs import BytePairs
from reelmill_stages.stages.frames.ids import LENGTH, Ids

_SPACE = re.compile(r"\s+")


class ClipTokens:
    """Converts captions to ids. `vocabulary` is a file in the format of CLIP's merges; None: those of CLIP."""

    def __init__(self, style: Literal["clip-hf", "clip-open"], vocabulary: Path | None = None) -> None:
        self._style = style
        self._pairs = _pairs(vocabulary)

    def ids(self, text: str) -> Ids:
        """The ids of a text, int64 (77,): start, at most 75 ids of the text, end, padding."""
        clean, padding = (_as_hugging_face, self._pairs.end) if self._style == "clip-hf" else (_as_open_clip, 0)
        found = self._pairs.encode(clean(text), LENGTH - 2)
        ids = np.full(LENGTH, padding, np.int64)
        ids[: len(found) + 2] = [self._pairs.start, *found, self._pairs.end]
        return ids


@cache
def _pairs(vocabulary: Path | None) -> BytePairs:
    """The vocabulary, built once per process because that takes 0.1 s."""
    if vocabulary is None:
        return BytePairs(merges.shipped())
    try:
        return BytePairs(merges.read(vocabulary))
    except (OSError, ValueError) as error:
        raise SpecError(
            f"the tokenizer file is not a list of merges: {error}",
            where=vocabulary.name,
            hint="give a file like CLIP's bpe_simple_vocab_16e6.txt, not compressed",
        ) from error


def _as_hugging_face(text: str) -> str:
    # Letter by letter, because Python's lower() handles the final sigma but Hugging Face's does not.
    return "".join(map(str.lower, _SPACE.sub(" ", unicodedata.normalize("NFC", text))))


def _as_open_clip(text: str) -> str:
    clean = html.unescape(html.unescape(ftfy.fix_text(text)))
    return _SPACE.sub(" ", clean).strip().lower()
