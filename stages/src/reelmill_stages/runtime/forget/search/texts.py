"""The texts in an object of a store, by its form. Pictures, sound and arrays have none, and nothing is executed."""

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
_MOST_LINE = 1 << 24
"""Bytes of a text that are read at once: nothing says that a file has lines."""

Reader = Callable[[Store, str], Iterator[str]]
"""Yields the texts. Raises `UnreadableTexts`."""


class UnreadableTexts(Exception):
    """The rest of an object cannot be read in the form that its name says."""


def reader_of(key: str) -> Reader | None:
    """What reads the texts of an object with this key; None: it is of a form that has none, or that is not known."""
    name = PurePosixPath(key).name.lower()
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
    """The values of records and rows. Names of their fields are words of reelmill's, and columns of sources."""
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
        except (ArrowException, OSError) as error:  # pyarrow has the latter for damaged pages
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
    """The keys in a block of kept signatures; of one that cannot be read, whatever looks like text."""
    if "/block-" not in key:  # a bucket has numbers only
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
        except ValueError:  # no JSON, though it is called so
            yield text.decode(errors="replace")


def _pieces(line: bytes) -> Iterator[str]:
    """What may be a name in a line of a text: all of it, what is quoted, cells of tables, and parts without brackets.

    Names may have commas, brackets and the like, so the line is cut in several ways.
    """
    text = line.decode(errors="replace")
    quoted = (each.replace("\0", '"') for each in text.replace('""', "\0").split('"'))
    pieces = dict.fromkeys((text, *quoted, *_CELL.split(text), *_CUT.split(text)))
    return filter(None, map(str.strip, pieces))
