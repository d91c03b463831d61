"""The payload of a tokenized tar, from the worker to `assemble`: arrays of tokens, and references to images.

Images that are not changed are read from the tar itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

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


@dataclass(slots=True)
class _Rows:
    """The samples of a batch, by column. The text of a sample that is too long is None."""

    place: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    text: list[str | None] = field(default_factory=list)
    images: list[list[Span]] = field(default_factory=list)

    def add(self, place: int, tokens: int, text: str | None, images: list[Span]) -> None:
        self.place.append(place)
        self.tokens.append(tokens)
        self.text.append(text)
        self.images.append(images)


class PayloadWriter:
    """Writes the payload of one tar to a folder. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.files = tuple(File(name, folder / name) for name in (IDS, MASK, IMAGES, SAMPLES))
        self._ids, self._mask, self._images, self._samples = (file.path.open("wb") for file in self.files)
        self._rows = _Rows()

    def image(self, data: bytes) -> Span:
        """Write an image that differs from that in the tar."""
        offset = self._images.tell()
        self._images.write(data)
        return IMAGES, offset, len(data)

    def add(self, place: int, document: TokenDocument, images: list[Span]) -> None:
        """Write the document of the sample at the index `place` in the tar."""
        self._ids.write(document.ids.data)
        self._mask.write(document.mask.data)
        self._rows.add(place, len(document), document.text, images)

    def too_long(self, place: int, tokens: int) -> None:
        """Record a sample that is too long, which closes the pack before it."""
        self._rows.add(place, tokens, None, [])

    def end_batch(self) -> None:
        """Write the rows of the samples since the last batch."""
        rows, self._rows = self._rows, _Rows()
        self._samples.write(json.dumps([rows.place, rows.tokens, rows.text, rows.images]).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._ids, self._mask, self._images, self._samples):
            file.close()


class Entry(NamedTuple):
    """One sample of a tokenized tar. `text` is None for a sample that is too long, which has no tokens."""

    place: int
    tokens: int
    ids: Ids
    mask: Mask
    text: str | None
    images: list[Span]


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
        with self._paths[SAMPLES].open("rb") as lines:
            for line in lines:
                for place, tokens, text, images in zip(*json.loads(line), strict=True):
                    end = at if text is None else at + tokens
                    yield Entry(place, tokens, ids[at:end], mask[at:end], text, images)
                    at = end

    def read(self, span: Span) -> bytes:
        """The content of an image."""
        name, offset, size = span
        with self._paths[name].open("rb") as file:
            file.seek(offset)
            return file.read(size)
