"""A tokenizer from a file: conversion between text and ids, and the ids of special symbols.

The format is detected by content: JSON of the package `tokenizers`, or a sentencepiece model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from reelmill.contract.errors import SpecError
from reelmill_stages.tokens.symbols import SymbolIds

SYMBOLS: Mapping[str, str] = {
    "patch": "<im_patch>",
    "start": "<im_start>",
    "end": "<im_end>",
    "bos": "<s>",
    "eos": "</s>",
}
"""Names of the symbols in the LLaMA-2 tokenizer with image symbols."""


class Codec(Protocol):
    """An open tokenizer file. No symbols are added before or after a text."""

    size: int
    """Number of ids; ids are less than this."""
    unknown: int | None
    """Id of characters without a token. If None, such characters have no id."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text. Runs in a single thread."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids that contain no symbols."""
        ...

    def id_of(self, symbol: str) -> int | None:
        """Return the id of a symbol, or None if the file does not have it."""
        ...


class Tokenizer:
    """A tokenizer with the ids of its special symbols, which can detect and escape symbols in texts."""

    def __init__(self, codec: Codec, names: Mapping[str, str], where: str) -> None:
        """Look up the ids of the symbols. Raises SpecError that names the symbols missing from the file."""
        found = {role: codec.id_of(name) for role, name in names.items()}
        if missing := [names[role] for role, number in found.items() if number is None]:
            raise SpecError(
                f"the tokenizer lacks the symbol{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                where=where,
                hint="add them to it as control symbols, or set their names in symbols",
            )
        known = {role: number for role, number in found.items() if number is not None}
        if len(set(known.values())) < len(known):
            raise SpecError(
                f"two symbols have the same id: {known}", where=where, hint="give each role a symbol of its own"
            )
        self.symbols = SymbolIds(**known)
        self.names = {known[role]: names[role] for role in known}
        self.size = codec.size
        self.unknown = None if codec.unknown in self.names else codec.unknown
        self._codec = codec
        self._ids = frozenset(self.names)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text. Never raises; use `has_symbol` to find texts that produced a symbol."""
        return self._codec.encode(texts)

    def has_symbol(self, ids: Sequence[int]) -> bool:
        """Whether the ids of a text include the id of a symbol."""
        return not self._ids.isdisjoint(ids)

    def is_unreadable(self, text: str, ids: Sequence[int]) -> bool:
        """Whether a text with these ids has letters or digits, and none of them has a token."""
        if self.unknown not in ids and len(ids) > len(text.split()):
            return False
        known = self._codec.decode([one for one in ids if one != self.unknown])
        return _has_letters(text) and not _has_letters(known)

    def escaped(self, text: str) -> str:
        """Return the text with a space after the first letter of each symbol's name, which breaks the symbol."""
        for name in self.names.values():
            text = text.replace(name, f"{name[:1]} {name[1:]}")
        return text

    def decode(self, ids: Sequence[int]) -> str:
        """Return ids as readable text, with names of symbols and counts for runs of one symbol (`<im_patch>*256`)."""
        parts: list[str] = []
        place = 0
        while place < len(ids):
            end = place + 1
            if ids[place] in self._ids:
                while end < len(ids) and ids[end] == ids[place]:
                    end += 1
                name = self.names[ids[place]]
                parts.append(name if end - place == 1 else f"{name}*{end - place}")
            else:
                while end < len(ids) and ids[end] not in self._ids:
                    end += 1
                parts.append(self._codec.decode(ids[place:end]))
            place = end
        return " ".join(part for part in parts if part)


def _has_letters(text: str) -> bool:
    """Whether a text has letters or digits."""
    return any(map(str.isalnum, text))


def load(path: Path, names: Mapping[str, str] = SYMBOLS, where: str = "") -> Tokenizer:
    """Load a tokenizer from a file. Raises SpecError if the file is not a tokenizer or lacks a symbol."""
    where = where or path.name
    with path.open("rb") as file:
        json_like = file.read(64).lstrip()[:1] == b"{"
    try:
        codec: Codec
        if json_like:
            from reelmill_stages.tokens.json_codec import JsonCodec

            codec = JsonCodec(path)
        else:
            from reelmill_stages.tokens.sentencepiece_codec import SentencePieceCodec

            codec = SentencePieceCodec(path)
    except ModuleNotFoundError as error:
        raise SpecError(
            f"the package {error.name!r} is not installed",
            where=where,
            hint="install reelmill-stages with the extra tokens",
        ) from error
    except ValueError as error:
        raise SpecError(
            f"the file is not a tokenizer: {error}",
            where=where,
            hint="give a sentencepiece model, or a tokenizer.json of the package tokenizers",
        ) from error
    return Tokenizer(codec, names, where)
