"""The payload of a tokenized tar, from the worker to `assemble`: arrays of tokens, and references to images.

Images that are not changed are read from the tar itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelmill_stages.stage import File, Kept
from reelmill_stages.stages.tokenize.document import Ids, Mask, TokenDocument

IDS, MASK, IMAGES, SAMPLES, TAR = "ids.bin", "mask.bin", "images.bin", "samples.jsonl", "tar"

Span = tuple[str, int, int]
"""(payload file, offset, size in bytes) of an image."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A sample that is not in a pack, and the reason."""

    key: str
    reason: str
    message: str

    def to_json(self) -> dict[str, str]:
        return {"key": self.key, "reason": self.reason, "message": self.message}


class PayloadWriter:
    """Writes the payload of one tar to a folder. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids = (folder / IDS).open("wb")
        self._mask = (folder / MASK).open("wb")
        self._images = (folder / IMAGES).open("wb")
        self._rows = (folder / SAMPLES).open("w", encoding="utf-8")

    def image(self, data: bytes) -> Span:
        """Write an image that differs from that in the tar."""
        offset = self._images.tell()
        self._images.write(data)
        return IMAGES, offset, len(data)

    def add(self, place: int, document: TokenDocument, images: list[Span]) -> None:
        """Write the document of the sample at the index `place` in the tar."""
        self._ids.write(document.ids.tobytes())
        self._mask.write(document.mask.tobytes())
        self._row({"place": place, "tokens": len(document), "text": document.text, "images": images})

    def too_long(self, place: int, tokens: int) -> None:
        """Record a sample that is too long, which closes the pack before it."""
        self._row({"place": place, "tokens": tokens})

    def _row(self, row: dict[str, Any]) -> None:
        self._rows.write(json.dumps(row) + "\n")

    def close(self) -> tuple[File, ...]:
        for file in (self._ids, self._mask, self._images, self._rows):
            file.close()
        return tuple(File(name, self._folder / name) for name in (IDS, MASK, IMAGES, SAMPLES))


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample of a tokenized tar. `text` is None for a sample that is too long, which has no tokens."""

    place: int
    tokens: int
    ids: Ids
    mask: Mask
    text: str | None
    images: tuple[Span, ...]


class Payload:
    """Reads the payload of one tar."""

    def __init__(self, kept: Kept) -> None:
        self._paths = {file.name: file.path for file in kept.done.payload}
        self.number = kept.input.number
        self.samples: int = kept.done.fields["samples"]
        self.losses: list[dict[str, str]] = kept.done.fields["losses"]

    def entries(self) -> Iterator[Entry]:
        """The samples, in the order of the tar."""
        ids = np.fromfile(self._paths[IDS], np.int32)
        mask = np.fromfile(self._paths[MASK], np.uint8)
        at = 0
        for line in self._paths[SAMPLES].read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            count = row["tokens"] if "text" in row else 0
            images = tuple((name, offset, size) for name, offset, size in row.get("images", ()))
            own = slice(at, at + count)
            yield Entry(row["place"], row["tokens"], ids[own], mask[own], row.get("text"), images)
            at += count

    def read(self, span: Span) -> bytes:
        """The content of an image."""
        name, offset, size = span
        with self._paths[name].open("rb") as file:
            file.seek(offset)
            return file.read(size)
