"""Location of the index of an mp4: the `moov` box, which lists time, size and offset of every sample.

Box layout: ISO/IEC 14496-12. Fragmented movies have no such index: every fragment lists its own samples.
"""

from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from reelmill_stages.media.container.boxes import Box, boxes

MEDIA = frozenset({b"mdat", b"free", b"skip", b"wide"})
"""Outermost boxes from which demuxers need only samples."""
_OUTERMOST = MEDIA | {b"ftyp", b"moov", b"pnot", b"uuid", b"meta", b"udta"}
_MOST_BOXES = 64
HANDLER = 8
"""Offset in the content of an `hdlr`."""
_TABLES = frozenset({b"stsd", b"stts", b"stsz", b"stz2", b"stsc", b"stco", b"co64", b"saio"})


@dataclass(frozen=True, slots=True)
class Track:
    """A `trak` box: its handler (`vide`, `soun`, ...), and the boxes of its sample table by kind."""

    box: Box
    handler: bytes
    tables: dict[bytes, Box]


@dataclass(frozen=True, slots=True)
class MovieIndex:
    """The index of a movie.

    `outermost` are the boxes of the file, including `moov`; `tracks` are in order of their streams.
    """

    outermost: tuple[Box, ...]
    moov: Box
    tracks: tuple[Track, ...]


def movie_index(file: BinaryIO, size: int) -> MovieIndex | None:
    """Return the index of a file of `size` bytes; None if no index lists all samples.

    Reads the headers of the outermost boxes and of the boxes in `moov`.
    """
    try:
        outermost = tuple(islice(boxes(file, 0, size), _MOST_BOXES + 1))
        moovs = [box for box in outermost if box.kind == b"moov"]
        if len(moovs) != 1 or len(outermost) > _MOST_BOXES:
            return None
        if not _OUTERMOST.issuperset(box.kind for box in outermost):
            return None
        inside = list(boxes(file, moovs[0].content, moovs[0].end))
        if any(box.kind == b"mvex" for box in inside):
            return None
        tracks = tuple(_read_track(file, box) for box in inside if box.kind == b"trak")
    except ValueError:
        return None
    return MovieIndex(outermost, moovs[0], tracks)


def _read_track(file: BinaryIO, box: Box) -> Track:
    media = _child_box(file, box, b"mdia")
    handler = _child_box(file, media, b"hdlr")
    file.seek(handler.content + HANDLER)
    kind = file.read(4)
    table = _child_box(file, _child_box(file, media, b"minf"), b"stbl")
    found = [each for each in boxes(file, table.content, table.end) if each.kind in _TABLES]
    tables = {each.kind: each for each in found}
    if len(tables) < len(found):
        raise ValueError("a table is given twice")
    return Track(box, kind, tables)


def _child_box(file: BinaryIO, box: Box, kind: bytes) -> Box:
    found = [inner for inner in boxes(file, box.content, box.end) if inner.kind == kind]
    if len(found) != 1:
        raise ValueError(f"the box at byte {box.start} has {len(found)} boxes {kind!r}, not one")
    return found[0]
