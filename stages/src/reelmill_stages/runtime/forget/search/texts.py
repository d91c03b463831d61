"""Extraction of the texts in an object of a store, by its format.

Pictures, sound and arrays have none. Nothing is executed.
"""

import json
import pickletools
import re
import tarfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from reelmill.contract.records.layout import INTERNAL
from reelmill_stages.runtime.decide import blocks
from reelmill_stages.runtime.forget.search.names import ends_of
from reelmill_stages.store import Store

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?')
_CUT = re.compile(r"[,;\t|<>\"'=()\[\]{}\r\n]+")
_CELL = re.compile(r"[,;\t|<>\r\n]+")
_PRINTABLE = re.compile(rb"[\x20-\x7e\x80-\xff]{3,}")
_JSON = (".json", ".jsonl", ".ndjson")
_TEXT = (".txt", ".csv", ".tsv", ".srt", ".vtt", ".md", ".html", ".yaml", ".yml", ".log", ".list", ".sha256", ".xml")
_PICKLE = (".pkl", ".pickle", ".idx")
_EDITED = re.compile(r"\.edited(-\d+)?$")
"""End of the name of a view that was edited by hand and kept."""
_MOST_LINE = 1 << 24
"""Maximum number of bytes of a text read at once, because a file need not have lines."""

Reader = Callable[[Store, str], Iterator[str]]
"""Yields the texts. Raises `UnreadableTexts`."""


class UnreadableTexts(Exception):
    """The rest of an object cannot be read in the format that its name indicates."""


def reader_of(key: str) -> Reader | None:
    """The reader of the texts of an object with this key; None: its format has no texts or is unknown."""
    name = _EDITED.sub("", PurePosixPath(key).name.lower())
    if name.endswith(_JSON):
        return _json if f"{INTERNAL}/" not in key else _record
    if name.endswith(_TEXT):
        return _text
    if name.endswith(".tar"):
        return _tar
    if name.endswith(".parquet") and find_spec("pyarrow") is not None:
        return _parquet
    if name.endswith(_PICKLE):
        return _pickle
    if name.endswith(".bin") and "/kept/" in key:
        return _block
    return None


def _record(store: Store, key: str) -> Iterator[str]:
    """The values of records and rows. Field names are skipped: they are reelmill's own, or columns of sources."""
    with store.open(key) as file:
        for line in _lines(file):
            yield from _strings(line, fields=False)


def _json(store: Store, key: str) -> Iterator[str]:
    with store.open(key) as file:
        for line in _lines(file):
            yield from _strings(line, fields=True)


def _text(store: Store, key: str) -> Iterator[str]:
    with store.open(key) as file:
        for line in _lines(file):
            yield from _pieces(line)


def _tar(store: Store, key: str) -> Iterator[str]:
    with store.open(key) as file:
        try:
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                for member in tar:
                    yield from ends_of(member.name)
                    if member.isfile() and member.name.endswith((*_JSON, *_TEXT)):
                        inside = tar.extractfile(member)
                        for line in _lines(inside) if inside else ():  # type: ignore[arg-type]
                            yield from _strings(line, fields=True)
                            yield from _pieces(line)
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise UnreadableTexts from error


def _parquet(store: Store, key: str) -> Iterator[str]:
    from pyarrow import ArrowException, parquet

    with TemporaryDirectory(prefix="reelmill-search-") as folder:
        path = store.fetch(key, Path(folder))
        try:
            table = parquet.ParquetFile(path)
            for batch in table.iter_batches(batch_size=1024):
                yield from _values(batch.to_pylist())
        except (ArrowException, OSError) as error:  # pyarrow raises the latter for damaged pages
            raise UnreadableTexts from error


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value.startswith(("{", "[")):  # a row as JSON
            yield from _strings(value.encode(errors="surrogatepass"), fields=False)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each)


def _pickle(store: Store, key: str) -> Iterator[str]:
    with store.open(key) as file:
        try:
            yield from (argument for _, argument, _ in pickletools.genops(file) if isinstance(argument, str))
        except (ValueError, EOFError) as error:
            raise UnreadableTexts from error


def _block(store: Store, key: str) -> Iterator[str]:
    """The keys in a block of kept signatures; if it cannot be read, everything that looks like text."""
    if "/block-" not in key:  # a bucket contains only numbers
        return
    with store.open(key) as file:
        data = file.read()
    try:
        yield from [row.key for row in blocks.rows(data)]
    except ValueError:
        yield from (found[0].decode(errors="replace") for found in _PRINTABLE.finditer(data))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_MOST_LINE):
        yield line


def _strings(line: bytes, *, fields: bool) -> Iterator[str]:
    for found in _STRING.finditer(line):
        if found[2] and not fields:
            continue
        text = found[1]
        if b"\\" not in text:
            yield text.decode(errors="replace")
            continue
        try:
            yield str(json.loads(b'"%b"' % text, strict=False))
        except ValueError:  # not JSON, despite its name
            yield text.decode(errors="replace")


def _pieces(line: bytes) -> Iterator[str]:
    """Parts of a line that may be names: the whole line, quoted strings, cells of tables, and parts without brackets.

    Names may contain commas, brackets and the like, so the line is split in several ways.
    """
    text = line.decode(errors="replace")
    quoted = (each.replace("\0", '"') for each in text.replace('""', "\0").split('"'))
    pieces = dict.fromkeys((text, *quoted, *_CELL.split(text), *_CUT.split(text)))
    return filter(None, map(str.strip, pieces))
