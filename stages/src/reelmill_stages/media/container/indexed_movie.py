"""A virtual mp4 with a new layout, made of parts of the original, so that only the needed parts are transferred.

Demuxers read a whole index before they return a packet. Most of the index is sample offsets, which matter only for the
samples that are read. The virtual movie therefore has a small index with one chunk per track, at a separate address, or
two chunks with the first samples apart; the samples of a track are contiguous. Reads are mapped to the original file
with its tables (`SamplePlaces`). Times, sizes, flags, edit lists and everything else are the original's bytes.
"""

import io
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from reelmill_stages.media.container.boxes import Box, boxes, packed
from reelmill_stages.media.container.movie_index import HANDLER, MEDIA, MovieIndex
from reelmill_stages.media.container.sample_places import SamplePlaces
from reelmill_stages.media_file import RemoteObject, WholeFileNeeded, buffered, read_exactly

_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_PLACES = frozenset({b"stsc", b"stco", b"co64"})
_NEEDED = frozenset({b"stsd", b"stts", b"stsz", b"stsc"})
_ENCRYPTED = (b"encv", b"enca")
_NOTHING = b"null"
"""Handler of empty tracks; with the original handler, demuxers would search for a first packet."""
_REGION = 1 << 44
"""Distance between the addresses of two tracks; larger than any track, in bytes."""
_OPENING = 1 << 34
"""Distance between the addresses of the first samples of two tracks; below `_REGION`."""
_FEW = 4
"""Number of samples in an opening."""
_BEFORE = 1 << 20
"""Number of bytes before the first byte of a track that read as zeros."""
_GAP = 128 << 10
"""Maximum gap in bytes between two chunks that is transferred as well, because another request would take longer."""
_LARGEST = 64 << 20
"""Maximum bytes of an index, which is kept in memory."""
_MOST_TRACKS = 1000
_MOST_SAMPLES = 1 << 24
_SIZES = 12
"""Offset of the entries in the content of `stsz`; the common size and the number of samples precede them."""


class IndexedMovie:
    """A `RemoteFile` over an object whose `moov` lists all samples.

    Tracks other than the video have no samples, unless a file is opened with `sound`.
    """

    def __init__(self, source: RemoteObject, index: MovieIndex) -> None:
        """Parse the index. Raises WholeFileNeeded if it cannot be rewritten."""
        self._source = source
        self._index = index
        self._failure: Exception | None = None
        self._zeros = False
        self._file = buffered(source)
        self._headers: dict[bool, bytes] = {}
        self._places: dict[int, SamplePlaces] = {}
        videos = [number for number, track in enumerate(index.tracks) if track.handler == b"vide"]
        if not videos or len(index.tracks) > _MOST_TRACKS:
            raise WholeFileNeeded(f"{source.name}: its index lists no video, or too many tracks")
        # With several video tracks, demuxers choose by the first packets of all tracks.
        self._video = videos[0] if len(videos) == 1 else None

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def size(self) -> int:
        """Size of the virtual movie in bytes; most addresses are empty."""
        return _REGION * (len(self._index.tracks) + 1)

    @property
    def failure(self) -> Exception | None:
        return self._failure or self._source.failure

    def open(self, *, sound: bool = False) -> io.BufferedReader:
        sound = sound or self._video is None
        if sound not in self._headers:
            self._headers[sound] = self._movie_header(sound=sound)
        return buffered(_View(self, self._headers[sound]))

    def expect(self, ranges: Sequence[range]) -> None:
        with self._failing_on_unfit_index():
            entries, wanted = [], []
            for requested in ranges:
                number, byte = _track_at(requested.start)
                if requested and number in self._places:
                    places = self._places[number]
                    inside = range(byte, min(byte + len(requested), places.size))
                    first, last = places.chunk_of(inside.start)[0], places.chunk_of(inside.stop - 1)[0]
                    entries.append(places.entries(range(first, last + 1)))
                    wanted.append((places, inside))
            self._source.expect(entries)
            self._source.expect(_merged_ranges(part for places, inside in wanted for part in places.extents(inside)))

    @contextmanager
    def index_only(self) -> Iterator[None]:
        self._zeros = True
        try:
            yield
        finally:
            self._zeros = False

    def close(self) -> None:
        self._source.close()

    def sample_bytes(self, start: int, length: int, *, wait: bool) -> bytes:
        """Return at most `length` bytes of samples from an address on, within one chunk.

        The file ends after the last sample of a track, except directly before the samples of the next: demuxers that
        seek back a little fill their buffer from there.
        """
        left = -start % (_OPENING if start < _REGION else _REGION)
        if 0 < left <= _BEFORE and start < self.size - _REGION:
            return bytes(min(length, left))
        with self._failing_on_unfit_index():
            number, byte = _track_at(start)
            places = self._places.get(number)
            if places is None or byte >= places.size:
                return b""
            if self._zeros:
                return bytes(min(length, places.size - byte))
            _, held = places.chunk_of(byte)
            (found,) = places.extents(range(byte, min(byte + length, held.stop)))
            data = self._source.read(found.start, len(found), wait=wait)
            if wait and not data:
                raise ValueError("a sample lies behind the end of the file")
            return data

    def _movie_header(self, *, sound: bool) -> bytes:
        """Return all boxes except media data, and the header of a box that contains all samples."""
        with self._failing_on_unfit_index():
            self._read_sample_sizes(sound=sound)
            parts: list[bytes | range] = []
            for box in self._index.outermost:
                if box.kind == b"moov":
                    parts += self._rebuilt_box(box, sound=sound)
                elif box.kind not in MEDIA:
                    parts.append(box.whole)
            if sum(map(len, parts)) > _LARGEST:
                raise ValueError("it is too large")
            self._source.expect([part for part in parts if isinstance(part, range)])
            head = b"".join(part if isinstance(part, bytes) else self._read(part) for part in parts)
            return head + struct.pack(">I4sQ", 1, b"mdat", self.size - len(head))

    def _read_sample_sizes(self, *, sound: bool) -> None:
        """Read the sample sizes of every track that is not left empty."""
        for number, track in enumerate(self._index.tracks):
            if number in self._places or not self._has_samples(number, sound=sound):
                continue
            tables = track.tables
            if (
                not {b"stsd", b"stts", b"stsz", b"stsc"} <= tables.keys()
                or len({b"stco", b"co64"} & tables.keys()) != 1
            ):
                raise ValueError("tables are missing")
            if b"saio" in tables or self._read(tables[b"stsd"].whole)[20:24] in _ENCRYPTED:
                raise ValueError("it is encrypted")
            if track.handler != b"vide" and self._is_read_by_chunks(tables[b"stts"]):
                raise ValueError("its sound is not compressed")
            self._places[number] = SamplePlaces(track, self._sizes(tables[b"stsz"]), self._read)

    def _sizes(self, box: Box) -> Sequence[int]:
        size, count = struct.unpack(">II", self._read(range(box.content + 4, box.content + _SIZES)))
        if size:
            if count > _MOST_SAMPLES or count * size > self._source.size:
                raise ValueError("it lists more samples than there are bytes")
            return [size] * count
        if box.content + _SIZES + 4 * count > box.end:
            raise ValueError("the table of sizes is damaged")
        self._source.expect([range(box.content + _SIZES, box.end)])
        sizes = array("I", self._read(range(box.content + _SIZES, box.content + _SIZES + 4 * count)))
        sizes.byteswap()
        return sizes

    def _is_read_by_chunks(self, box: Box) -> bool:
        """Whether demuxers make packets of whole chunks."""
        count, _, duration = struct.unpack(">III", self._read(range(box.content + 4, box.content + 16)))
        return bool(count == 1 and duration == 1)

    def _has_samples(self, number: int, *, sound: bool) -> bool:
        return number == self._video or (sound and self._index.tracks[number].handler in (b"vide", b"soun"))

    def _rebuilt_box(self, box: Box, *, sound: bool, number: int = -1) -> list[bytes | range]:
        """Return a box of the index as parts of the original; tables of sample offsets are rebuilt."""
        if box.kind not in _PARENTS:
            return [box.whole]
        parts: list[bytes | range] = []
        has_samples = self._has_samples(number, sound=sound)
        for inner in boxes(self._file, box.content, box.end):
            if inner.kind == b"trak":
                number += 1
            if box.kind == b"mdia" and inner.kind == b"hdlr" and not has_samples:
                kind = inner.content + HANDLER
                parts += [range(inner.start, kind), _NOTHING, range(kind + len(_NOTHING), inner.end)]
            elif box.kind != b"stbl" or (has_samples and inner.kind not in _PLACES):
                parts += self._rebuilt_box(inner, sound=sound, number=number)
        if box.kind == b"stbl" and has_samples:
            parts += _chunk_tables(number, self._places[number], opening=number != self._video)
        return packed(box.kind, parts)

    def _read(self, wanted: range) -> bytes:
        return read_exactly(self._source, wanted)

    @contextmanager
    def _failing_on_unfit_index(self) -> Iterator[None]:
        """Make errors of an unfit index fail all reads, because demuxers take them for the end of the file."""
        try:
            yield
        except (ValueError, EOFError, IndexError, struct.error) as error:
            self._failure = WholeFileNeeded(f"{self.name}: its index cannot be taken apart: {error}")
            raise self._failure from error


class _View:
    """A `Positional` with a header and the samples after it."""

    def __init__(self, movie: IndexedMovie, header: bytes) -> None:
        self._movie = movie
        self._movie_header = header

    @property
    def size(self) -> int:
        return self._movie.size

    def read(self, start: int, length: int, *, wait: bool = True) -> bytes:
        if start < len(self._movie_header):
            return self._movie_header[start : start + length]
        return self._movie.sample_bytes(start, length, wait=wait)


def _track_at(address: int) -> tuple[int, int]:
    """Return the number of the track at an address, and the byte within the track."""
    if address < _REGION:
        return address // _OPENING - 1, address % _OPENING
    return address // _REGION - 1, address % _REGION


def _chunk_tables(number: int, places: SamplePlaces, *, opening: bool) -> list[bytes | range]:
    """Return the tables of a track with a single chunk for all samples.

    With an `opening`, the first few samples are a chunk before all other tracks. Demuxers look for stream parameters in
    the first packets, and read those in the order of their addresses while their times are close.
    """
    count = len(places.starts) - 1
    first = min(count, _FEW) if opening else 0
    chunks = [(first, _OPENING * (number + 1)), (count - first, _REGION * (number + 1) + places.starts[first])]
    chunks = [chunk for chunk in chunks if chunk[0]]
    runs = [struct.pack(">III", place, samples, 1) for place, (samples, _) in enumerate(chunks, 1)]
    offsets = [struct.pack(">Q", address) for _, address in chunks]
    return [
        *packed(b"stsc", [struct.pack(">II", 0, len(runs)), *runs]),
        *packed(b"co64", [struct.pack(">II", 0, len(offsets)), *offsets]),
    ]


def _merged_ranges(parts: Iterable[range]) -> list[range]:
    """Merge neighbouring ranges that are close to each other; keeps the order."""
    made: list[range] = []
    for part in parts:
        if made and made[-1].start <= part.start <= made[-1].stop + _GAP:
            made[-1] = range(made[-1].start, max(made[-1].stop, part.stop))
        else:
            made.append(part)
    return made
