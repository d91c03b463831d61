"""Documents: samples as tokens with a loss mask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of
from reelmill_stages.stages.tokenize.turns import IMAGE, Turn
from reelmill_stages.tokens.tokenizer import Tokenizer

Ids = NDArray[np.int32]
Mask = NDArray[np.uint8]


@dataclass(slots=True)
class TokenDocument:
    """A document: token `ids` int32 (n,), loss `mask` uint8 (n,), and the tokenized `text`."""

    ids: Ids
    mask: Mask
    text: str
    escaped: bool = False
    """Whether the name of a symbol in its text was escaped."""
    cut: bool = False
    """Whether its end was cut off."""
    unknown: bool = False
    """Whether it has characters without a token."""

    def __len__(self) -> int:
        return len(self.ids)


class DocumentEncoder:
    """Turns samples into documents with a tokenizer, a batch of samples at a time."""

    def __init__(self, tokenizer: Tokenizer, patches: int) -> None:
        self._tokenizer = tokenizer
        symbols = tokenizer.symbols
        name = tokenizer.names
        self._image = [symbols.start, *[symbols.patch] * patches, symbols.end]
        self._image_text = name[symbols.start] + name[symbols.patch] * patches + name[symbols.end]
        self._bos, self._eos = [symbols.bos], [symbols.eos]
        self._bos_text, self._eos_text = name[symbols.bos], name[symbols.eos]
        self._is_symbol = np.zeros(tokenizer.size, np.bool_)
        self._is_symbol[list(name)] = True

    def documents(self, samples: Sequence[Sequence[Turn]]) -> Iterator[TokenDocument | ItemError]:
        """One document for each sample, in order.

        Or an ItemError: `control_symbol` if escaping fails, `unknown_script` if no letter of the answers has a token.
        Their arrays are views of those of the whole batch.
        """
        texts = [piece for turns in samples for turn in turns for piece in turn.pieces if piece is not IMAGE]
        batch = _Batch(texts, self._tokenizer.encode(texts))
        self._compose_documents(samples, batch)
        ids = batch.ids()
        has_symbols = np.count_nonzero(self._is_symbol.take(ids)) - (len(ids) - sum(map(len, batch.encoded)))
        if has_symbols:
            self._escape_symbols(batch)
            self._compose_documents(samples, batch)
            ids = batch.ids()
        unreadable = self._unreadable_answers(samples, batch, ids)
        mask = np.repeat(np.array(batch.learned, np.uint8), batch.lengths)
        begin = first = 0
        for number, (tokens, count, text) in enumerate(batch.documents):
            end, last = begin + tokens, first + count
            try:
                escaped = bool(has_symbols) and batch.escaped_in(first, last)
                if number in unreadable:
                    raise ItemError(
                        ItemReason.UNKNOWN_SCRIPT,
                        f"the tokenizer has no token for any letter of {unreadable[number][:60]!r}",
                    )
                document = TokenDocument(ids[begin:end], mask[begin:end], text, escaped)
                document.unknown = self._lacks_characters(document.ids)
                yield document
            except ItemError as error:
                yield error
            begin, first = end, last

    def _lacks_characters(self, ids: Ids) -> bool:
        unknown = self._tokenizer.unknown
        return unknown is not None and bool((ids == unknown).any())

    def _unreadable_answers(self, samples: Sequence[Sequence[Turn]], batch: "_Batch", ids: Ids) -> dict[int, str]:
        """Return the number of each sample of whose answers no letter has a token, with its last answer."""
        found: dict[int, str] = {}
        if self._tokenizer.unknown is not None and not self._lacks_characters(ids):
            return found
        texts = zip(batch.texts, batch.encoded, strict=True)
        for number, turns in enumerate(samples):
            pieces = [(*next(texts), turn.learned) for turn in turns for piece in turn.pieces if piece is not IMAGE]
            answers = [(text, encoded) for text, encoded, learned in pieces if learned]
            if answers and all(self._tokenizer.is_unreadable(text, encoded) for text, encoded in answers):
                found[number] = answers[-1][0]
        return found

    def _compose_documents(self, samples: Sequence[Sequence[Turn]], batch: "_Batch") -> None:
        """Join the pieces of all documents: a document begins with `bos`, and a learned turn ends with `eos`."""
        batch.clear()
        pieces, lengths, learned = batch.pieces, batch.lengths, batch.learned
        encoded = zip(batch.texts, batch.encoded, strict=True)
        for turns in samples:
            pieces.append(self._bos)
            lengths.append(1)
            learned.append(False)
            tokens, count, turn_texts = 1, 0, []
            for turn in turns:
                size, words = 0, []
                for piece in turn.pieces:
                    if piece is IMAGE:
                        text, ids = self._image_text, self._image
                    else:
                        text, ids = next(encoded)
                        count += 1
                    words.append(text)
                    pieces.append(ids)
                    size += len(ids)
                if turn.learned:
                    words.append(self._eos_text)
                    pieces.append(self._eos)
                    size += 1
                lengths.append(size)
                learned.append(turn.learned)
                turn_texts.append("".join(words))
                tokens += size
            batch.documents.append((tokens, count, self._bos_text + "\n".join(turn_texts)))

    def _escape_symbols(self, batch: "_Batch") -> None:
        """Encode texts that contain a symbol again, with its name escaped."""
        has_symbol = self._tokenizer.has_symbol
        for place, (text, ids) in enumerate(zip(batch.texts, batch.encoded, strict=True)):
            if has_symbol(ids):
                batch.texts[place] = self._tokenizer.escaped(text)
                (batch.encoded[place],) = self._tokenizer.encode([batch.texts[place]])
                batch.escaped[place] = not has_symbol(batch.encoded[place])


@dataclass(slots=True)
class _Batch:
    """The texts of samples and their ids, and the composition of the documents from them."""

    texts: list[str]
    encoded: list[list[int]]
    escaped: dict[int, bool] = field(default_factory=dict)
    """Number of a text with an escaped symbol -> whether the symbol no longer occurs in it."""
    pieces: list[list[int]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    """Number of tokens of each turn; the `bos` of a document is a separate turn."""
    learned: list[bool] = field(default_factory=list)
    documents: list[tuple[int, int, str]] = field(default_factory=list)
    """(number of tokens, number of texts, the whole text) of each document."""

    def clear(self) -> None:
        for laid in (self.pieces, self.lengths, self.learned, self.documents):
            laid.clear()

    def ids(self) -> Ids:
        return np.fromiter(chain.from_iterable(self.pieces), np.int32, sum(self.lengths))

    def escaped_in(self, first: int, end: int) -> bool:
        """Return whether one of these texts was escaped. Raises ItemError if that did not help."""
        places = [place for place in range(first, end) if place in self.escaped]
        if wrong := [self.texts[place] for place in places if not self.escaped[place]]:
            raise ItemError(
                ItemReason.CONTROL_SYMBOL, f"a text becomes a control symbol even when escaped: {wrong[-1][:60]!r}"
            )
        return bool(places)


def cut(document: TokenDocument, limit: int, image_ids: frozenset[int]) -> TokenDocument:
    """The first `limit` tokens of a document, with the whole text.

    Raises ItemError with reason `too_long` if that would cut an image, or leave no token with a loss.
    """
    kept, lost = document.ids[:limit], document.ids[limit:]
    if np.isin(lost, list(image_ids)).any() or not document.mask[:limit].any():
        raise ItemError(
            ItemReason.TOO_LONG,
            f"{count_of(len(document), 'token')}, and only images or whole answers could be cut off",
        )
    return replace(document, ids=kept, mask=document.mask[:limit], cut=True)
