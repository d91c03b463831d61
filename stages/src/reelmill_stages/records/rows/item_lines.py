"""Decoding of lines into items, mostly straight into structs.

msgspec decodes an object with known field names in less than half the time. The rows of a file have the same names, or
lack a few of them, so the first rows determine which names to expect. All other rows are read by `Item.from_json`,
which defines the format.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from msgspec import UNSET, UnsetType, defstruct, field
from msgspec.json import Decoder

from reelmill.contract.records.rows import POSITION, Item, Media, Output
from reelmill_stages.records.rows.json_line import decoded_object
from reelmill_stages.records.rows.line_readers import LineReader

_FIRST_ROWS = 32
_MORE_ROWS = 16
"""Number of rows with other names after which the remaining rows of the file are read without expected names."""
_MOST_NAMES = 100
_KNOWN: dict[str, tuple[Any, ...]] = {
    "key": (str,),
    "ordinal": (int,),
    "group": (str,),
    "weight": (int | float,),
    "media": (Media | None, None),
    "outputs": (tuple[Output, ...], ()),
    "provenance": (dict[str, Any], field(default_factory=dict)),
    POSITION: (int, None),
}
"""Type of each key of a row that is not a field, and its default if it has one."""

_ExpectedRowReader = Callable[[bytes, int | None], Item]


def item_reader(first: int | None = None) -> LineReader[Item]:
    """Make a reader of items in successive lines.

    The first item has the ordinal `first`; None: each has the ordinal in its row.
    """
    ordinals: Iterator[int | None] = itertools.repeat(None) if first is None else itertools.count(first)
    names = _SeenNames()
    expected: _ExpectedRowReader | None = None

    def read(line: bytes) -> Item:
        nonlocal expected
        ordinal = next(ordinals)
        if expected is not None:
            try:
                return expected(line, ordinal)
            except ValueError:
                pass
        item = Item.from_json(decoded_object(line), ordinal)
        expected = names.reader_after(item.fields)
        return item

    return read


class _SeenNames:
    """Field names of the rows that were read without expected names."""

    def __init__(self) -> None:
        self._rows = 0
        self._always: set[str] = set()
        self._ever: set[str] = set()

    def reader_after(self, fields: Mapping[str, Any]) -> _ExpectedRowReader | None:
        """Add the fields of a row. Returns the reader for the next row; None: read it without expected names."""
        if self._rows >= _FIRST_ROWS + _MORE_ROWS or len(self._ever) > _MOST_NAMES or POSITION in fields:
            return None
        self._always = self._always.intersection(fields) if self._rows else {*fields}
        self._ever.update(fields)
        self._rows += 1
        if self._rows < _FIRST_ROWS:
            return None
        return _reader_expecting(tuple(sorted(self._always)), tuple(sorted(self._ever - self._always)))


@lru_cache(maxsize=64)
def _reader_expecting(always: tuple[str, ...], sometimes: tuple[str, ...]) -> _ExpectedRowReader | None:
    """A reader of rows with these field names. It raises ValueError for any other row, which may still be a valid item.

    None if a struct cannot have fields with these names.
    """
    if not all(name.isidentifier() and not name.startswith("_") for name in always + sometimes):
        return None
    columns = dict.fromkeys(always, (Any,)) | dict.fromkeys(sometimes, (Any | UnsetType, UNSET)) | _KNOWN
    in_order = [(name, *columns[name]) for name in sorted(columns)]  # the order in files, which is the fastest
    decode = Decoder(defstruct("ExpectedRow", in_order, forbid_unknown_fields=True, kw_only=True, gc=False)).decode
    fields_of = _fields_getter(tuple(sorted(always + sometimes)))

    def read(line: bytes, placed: int | None) -> Item:
        row: Any = decode(line)
        fields = fields_of(row)
        for name in sometimes:
            if fields[name] is UNSET:
                del fields[name]
        ordinal = row.ordinal if placed is None else placed
        return Item(
            row.key, ordinal, row.group, row.weight, row.media, row.outputs, row.provenance, fields, row._position
        )

    return read


def _fields_getter(names: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    """A function that returns these attributes of an object as a dict, in this order. `names` are identifiers.

    It is compiled, as those of a dataclass are, and takes half the time of a general one. Python normalises names that
    are not ASCII, so these are not written as attributes.
    """
    values = (f"row.{name}" if name.isascii() and not iskeyword(name) else f"getattr(row, {name!r})" for name in names)
    entries = ",".join(f"{name!r}:{value}" for name, value in zip(names, values, strict=True))
    compiled: Callable[[Any], dict[str, Any]] = eval(f"lambda row: {{{entries}}}")  # noqa: S307
    return compiled
