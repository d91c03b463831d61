"""Exact duplicates: the same bytes, or the same sequence of decoded pictures.

Pictures are compared in the form returned by the decoder, with size and pixel format. So a video in another container
is a duplicate, and a video that was encoded again is not. Times and sound are not compared.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import av
import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media, Span
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.stage import Input, Terms, Work
from reelmill_stages.stages.dedup.rule import Match
from reelmill_stages.stages.dedup.videos import media_of, window
from reelmill_stages.store.digests import file_digest
from reelmill_stages.weight import Weight

_DIGEST = 16
_NONE = bytes(_DIGEST)
"""Digest of pictures of a file without video."""
_BYTES, _PICTURES = Match(0, "same bytes"), Match(0, "same pictures")
_NOT_VIDEO = {ItemReason.NO_VIDEO, ItemReason.CORRUPT}
"""Reasons for files without a readable video."""


class ExactRule:
    """Signature: 16 bytes of the digest of the file and its span, and 16 bytes of the digest of the pictures."""

    unit = ""

    def sign(self, given: Sequence[Input], work: Work) -> list[bytes | ItemError]:
        files: dict[Media, bytes] = {}
        found: list[bytes | ItemError] = []
        for one in given:
            try:
                found.append(self._sign(one, work, files))
            except ItemError as error:
                found.append(error)
        return found

    def terms(self, signatures: Sequence[bytes]) -> Terms:
        values = np.frombuffer(b"".join(signatures), "<u8").reshape(-1, 2, 2)[:, :, 0]
        owners = np.repeat(np.arange(len(signatures)), 2)
        flat = values.reshape(-1)
        there = flat != 0
        return flat[there], owners[there]

    def parse(self, signature: bytes) -> Any:
        return signature

    def match(self, one: Any, kept: Any) -> Match | None:
        if one[:_DIGEST] == kept[:_DIGEST]:
            return _BYTES
        return _PICTURES if one[_DIGEST:] == kept[_DIGEST:] != _NONE else None

    def signature_bytes(self, items: int, weight: Weight) -> int | None:
        return items * (2 * _DIGEST + 24)

    def _sign(self, given: Input, work: Work, files: dict[Media, bytes]) -> bytes:
        """Sign an input. The clips of a group are parts of one file, whose digest is in `files`."""
        media, span = media_of(given.item), item_span.span(given.item)
        whole = replace(media, span=None)
        path = work.fetch(whole)
        if whole not in files:
            files[whole] = bytes.fromhex(file_digest(path).removeprefix("sha256:"))
        part = b"" if span is None else repr((span.start, span.end)).encode()
        return hashlib.sha256(files[whole] + part).digest()[:_DIGEST] + self._pictures_digest(path, span)

    def _pictures_digest(self, path: MediaFile, span: Span | None) -> bytes:
        try:
            timeline = read_timeline(path)
        except ItemError as error:
            if error.reason in _NOT_VIDEO and span is None:
                return _NONE
            raise
        digest = hashlib.sha256()
        for picture in decode(path, timeline, window(timeline, span)):
            _add_planes(digest, picture.frame)
        return digest.digest()[:_DIGEST]


def _add_planes(digest: Any, frame: av.VideoFrame) -> None:
    """Add the visible part of each plane to a digest, without the padding of its lines."""
    digest.update(f"{frame.format.name} {frame.width} {frame.height}\n".encode())
    for plane, component in zip(frame.planes, _line_widths(frame), strict=True):
        lines = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size].reshape(
            plane.height, plane.line_size
        )
        digest.update(np.ascontiguousarray(lines[:, :component]))


def _line_widths(frame: av.VideoFrame) -> list[int]:
    """Return the number of bytes of a line of each plane."""
    found = [0] * len(frame.planes)
    for component in frame.format.components:
        size = (component.bits + 7) // 8
        found[component.plane] += component.width * size
    return [width or plane.line_size for width, plane in zip(found, frame.planes, strict=True)]
