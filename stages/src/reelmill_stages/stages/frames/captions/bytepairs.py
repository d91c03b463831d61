"""CLIP's byte pair encoding with the package `tokenizers`: cleaned text to ids, without padding."""

from itertools import islice

from tokenizers import Regex, models, pre_tokenizers

from reelmill_stages.stages.frames.captions.merges import Merges

_END_OF_WORD = "</w>"
_MARKS = ("<start_of_text>", "<end_of_text>")
"""Words in a caption that CLIP treats as start and end tokens."""
_WORD = "|".join((*_MARKS, r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"))


class BytePairs:
    """Ids are assigned to the 256 bytes, the 256 bytes at the end of a word, the merges in order, and start and end.

    Raises ValueError if a merge uses a symbol that no earlier line defines.
    """

    def __init__(self, merges: Merges) -> None:
        # Sorted by code points, the characters for bytes are in the order of CLIP's ids.
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        symbols = [*letters, *(letter + _END_OF_WORD for letter in letters)]
        ids = {symbol: number for number, symbol in enumerate(symbols)}
        for number, (first, second) in enumerate(merges, len(symbols)):
            if first not in ids or second not in ids:
                raise ValueError(f"line {number - len(symbols) + 2} merges a symbol that no line before it made")
            ids[first + second] = number
        self._pairs = models.BPE(vocab=ids, merges=merges, end_of_word_suffix=_END_OF_WORD)
        self._words = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        self.start = len(symbols) + len(merges)
        self.end = self.start + 1
        self._marks = dict(zip(_MARKS, ((self.start,), (self.end,)), strict=True))

    def encode(self, text: str, limit: int) -> list[int]:
        """At most `limit` ids, without start and end tokens."""
        words = (word for word, _ in self._words.pre_tokenize_str(text))
        ids = (number for word in words for number in self._marks.get(word) or self._encode_word(word))
        return list(islice(ids, limit))

    def _encode_word(self, word: str) -> list[int]:
        return [token.id for token in self._pairs.tokenize(word)]
