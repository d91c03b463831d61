"""Movies whose pictures or sound are in other files: the data references of tracks (ISO/IEC 14496-12, 8.7.2).

Other files are never read, and demuxers take the offsets for ones in the movie itself.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from reelmill_stages.media.container.boxes import Box, boxes

_MOST_BOXES = 64
_HANDLER_PATH, _REFERENCES_PATH = (b"mdia", b"hdlr"), (b"mdia", b"minf", b"dinf", b"dref")
_HANDLER = 8
"""Offset in the content of an `hdlr`."""
_HANDLERS = {b"vide": "pictures are", b"soun": "sound is"}
_LOCATIONS = frozenset({b"url ", b"urn ", b"alis", b"rsrc"})
_IN_THIS_FILE = 1


def in_other_files(path: Path) -> str:
    """Return what of a movie is in other files, `pictures are` or `sound is`; empty if nothing is. Raises OSError."""
    with path.open("rb") as file:
        try:
            outermost = islice(boxes(file, 0, path.stat().st_size), _MOST_BOXES)
            movie = next((box for box in outermost if box.kind == b"moov"), None)
            tracks = list(_inside(file, movie, b"trak")) if movie is not None else []
            return next((kind for track in tracks if (kind := _kind_in_other_files(file, track))), "")
        except ValueError:
            return ""


def _kind_in_other_files(file: BinaryIO, track: Box) -> str:
    handler = _only(file, track, _HANDLER_PATH)
    table = _only(file, track, _REFERENCES_PATH)
    if handler is None or table is None:
        return ""
    file.seek(handler.content + _HANDLER)
    kind = _HANDLERS.get(file.read(4), "")
    references = list(islice(boxes(file, table.table.start, table.end), _MOST_BOXES))
    return kind if references and all(_is_elsewhere(file, reference) for reference in references) else ""


def _is_elsewhere(file: BinaryIO, reference: Box) -> bool:
    """Whether a reference names another file; many that do not say that they are to the file itself name none."""
    file.seek(reference.content)
    head = file.read(min(reference.end - reference.content, 4096))
    if reference.kind not in _LOCATIONS or len(head) < 4:
        return False
    flags: int = struct.unpack(">I", head[:4])[0]
    return not flags & _IN_THIS_FILE and bool(head[4:].strip(b"\0"))


def _only(file: BinaryIO, box: Box, kinds: tuple[bytes, ...]) -> Box | None:
    found: Box | None = box
    for kind in kinds:
        found = next(_inside(file, found, kind), None) if found is not None else None
    return found


def _inside(file: BinaryIO, box: Box, kind: bytes) -> Iterator[Box]:
    return (inner for inner in boxes(file, box.content, box.end) if inner.kind == kind)
