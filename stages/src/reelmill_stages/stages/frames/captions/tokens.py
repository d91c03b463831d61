"""CLIP's text tokens without torch: 77 ids, byte for byte those of Hugging Face's tokenizer or of open_clip.

The two clean a caption differently before the same byte pair encoding, and pad differently: Hugging Face with 49407
(end of text), open_clip with 0.
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
    """Captions to ids. `vocabulary` is a file in CLIP's own format (merges), absent: CLIP's."""

    def __init__(self, style: Literal["clip-hf", "clip-open"], vocabulary: Path | None = None) -> None:
        self._style = style
        self._pairs = _pairs(vocabulary)

    def ids(self, text: str) -> Ids:
        """int64 (77,): start, at most 75 ids of the text, end, padding."""
        clean, padding = (_as_hugging_face, self._pairs.end) if self._style == "clip-hf" else (_as_open_clip, 0)
        found = self._pairs.encode(clean(text), LENGTH - 2)
        ids = np.full(LENGTH, padding, np.int64)
        ids[: len(found) + 2] = [self._pairs.start, *found, self._pairs.end]
        return ids


@cache
def _pairs(vocabulary: Path | None) -> BytePairs:
    """Building the vocabulary takes a tenth of a second: once per process."""
    if vocabulary is None:
        return BytePairs(merges.shipped())
    try:
        return BytePairs(merges.read(vocabulary))
    except (OSError, ValueError) as error:
        raise SpecError(
            f"the tokenizer's file is no list of merges: {error}",
            where=vocabulary.name,
            hint="give a file like CLIP's bpe_simple_vocab_16e6.txt, not compressed",
        ) from error


def _as_hugging_face(text: str) -> str:
    # Letter by letter: Python's lower() knows the final sigma, Hugging Face's does not.
    return "".join(map(str.lower, _SPACE.sub(" ", unicodedata.normalize("NFC", text))))


def _as_open_clip(text: str) -> str:
    clean = html.unescape(html.unescape(ftfy.fix_text(text)))
    return _SPACE.sub(" ", clean).strip().lower()
