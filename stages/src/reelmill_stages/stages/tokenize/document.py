"""Documents: samples as tokens with a loss mask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.stages.tokenize.turns import IMAGE, Turn
from reelmill_stages.tokens.tokenizer import Tokenizer

Ids = NDArray[np.int32]
Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TokenDocument:
    """A document: token `ids` int32 (n,), loss `mask` uint8 (n,), and the tokenized `text`."""

    ids: Ids
    mask: Mask
    text: str
    escaped: bool = False
    """Whether the name of a symbol in its text was escaped."""
    cut: bool = False
    """Whether its end was cut off."""

    def __len__(self) -> int:
        return len(self.ids)


class DocumentEncoder:
    """Turns samples into documents with a tokenizer."""

    def __init__(self, tokenizer: Tokenizer, patches: int) -> None:
        self._tokenizer = tokenizer
        symbols = tokenizer.symbols
        name = tokenizer.names
        self._image = [symbols.start, *[symbols.patch] * patches, symbols.end]
        self._image_text = name[symbols.start] + name[symbols.patch] * patches + name[symbols.end]
        self._bos, self._eos = symbols.bos, symbols.eos
        self._bos_text, self._eos_text = name[symbols.bos], name[symbols.eos]

    def documents(self, samples: Sequence[Sequence[Turn]]) -> Iterator[TokenDocument | ItemError]:
        """One document for each sample, in order, or an ItemError with reason `control_symbol` if escaping fails."""
        texts = [piece for turns in samples for turn in turns for piece in turn.pieces if piece is not IMAGE]
        encoded = zip(texts, self._tokenizer.encode(texts), strict=True)
        for turns in samples:
            try:
                yield self._document(turns, encoded)
            except ItemError as error:
                yield error

    def _document(self, turns: Sequence[Turn], encoded: Iterator[tuple[str, list[int]]]) -> TokenDocument:
        ids, lengths, learned = [self._bos], [1], [0]
        said: list[str] = []
        escaped, wrong = False, ""
        for turn in turns:
            before, words = len(ids), []
            for piece in turn.pieces:
                if piece is IMAGE:
                    ids += self._image
                    words.append(self._image_text)
                    continue
                text, found = next(encoded)
                if self._tokenizer.spoken(found):
                    text = self._tokenizer.escaped(text)
                    (found,) = self._tokenizer.encode([text])
                    escaped = True
                    wrong = text if self._tokenizer.spoken(found) else wrong
                ids += found
                words.append(text)
            if turn.learned:
                ids.append(self._eos)
                words.append(self._eos_text)
            lengths.append(len(ids) - before)
            learned.append(int(turn.learned))
            said.append("".join(words))
        if wrong:
            raise ItemError(
                ItemReason.CONTROL_SYMBOL, f"a text becomes a control symbol whatever is done: {wrong[:60]!r}"
            )
        mask = np.repeat(np.array(learned, np.uint8), lengths)
        return TokenDocument(np.array(ids, np.int32), mask, self._bos_text + "\n".join(said), escaped)


def cut(document: TokenDocument, limit: int, image_ids: frozenset[int]) -> TokenDocument:
    """The first `limit` tokens of a document, with the whole text.

    Raises ItemError with reason `too_long` if that would cut an image, or leave no token with a loss.
    """
    kept, lost = document.ids[:limit], document.ids[limit:]
    if np.isin(lost, list(image_ids)).any() or not document.mask[:limit].any():
        raise ItemError(
            ItemReason.TOO_LONG, f"{len(document)} tokens, and nothing can be cut off but images or all the answers"
        )
    return TokenDocument(kept, document.mask[:limit], document.text, document.escaped, cut=True)
