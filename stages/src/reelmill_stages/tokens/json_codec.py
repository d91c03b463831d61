"""Codec for files of the package `tokenizers` (`tokenizer.json`)."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

# Disable its threads, because there is already one worker process per CPU.
os.environ["TOKENIZERS_PARALLELISM"] = "false"


class JsonCodec:
    """Implements `tokenizer.Codec`. Raises ValueError for a file in another format."""

    def __init__(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
            self._model = Tokenizer.from_str(text)
        except Exception as error:  # the package raises Exception itself
            raise ValueError(f"no tokenizer.json ({str(error)[:80]})") from error
        self._model.no_padding()
        self._model.no_truncation()
        self.unknown = self._unknown_id(json.loads(text)["model"])
        self.size = self._model.get_vocab_size(with_added_tokens=True)

    def _unknown_id(self, model: Mapping[str, Any]) -> int | None:
        """Return the id of unknown characters, which the kinds of models name in different ways."""
        name, number = model.get("unk_token"), model.get("unk_id")
        return self._model.token_to_id(name) if name is not None else number

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [one.ids for one in self._model.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        return self._model.decode(list(ids), skip_special_tokens=False)

    def id_of(self, symbol: str) -> int | None:
        return self._model.token_to_id(symbol)
