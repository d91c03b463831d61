"""Codec for sentencepiece models. Only this module imports the package."""

from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor


class SentencePieceCodec:
    """Implements `tokenizer.Codec`. Raises ValueError for a file that is not a model."""

    def __init__(self, path: Path) -> None:
        try:
            self._model = SentencePieceProcessor(model_proto=path.read_bytes())
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"not a sentencepiece model ({str(error)[:80]})") from error
        self.size: int = self._model.get_piece_size()
        if not self.size:
            raise ValueError("an empty sentencepiece model")
        unknown: int = self._model.unk_id()
        self.unknown = unknown if unknown >= 0 else None

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = self._model.encode(list(texts), out_type=int, num_threads=1)
        return found

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._model.decode([one for one in ids if 0 <= one < self.size])
        return text

    def id_of(self, symbol: str) -> int | None:
        number: int = self._model.piece_to_id(symbol)
        return number if self._model.id_to_piece(number) == symbol else None
