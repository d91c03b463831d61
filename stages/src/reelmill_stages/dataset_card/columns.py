"""The columns of the table of items: common values, fields with a single type, and the full row."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from reelmill.contract.records.rows import Item
from reelmill_stages.records.rows.item_values import ABSENT, value_of
from reelmill_stages.summary.field_values import measured_fields

Kind = Literal["boolean", "integer", "number", "string", "json"]
"""Type of a column. Values of several types, objects, lists and large integers are JSON text."""

MOST_FIELDS = 200
"""Maximum number of fields with a separate column. All fields are in the column `row`."""
ROW = "row"
_INT64 = range(-(1 << 63), 1 << 63)
# mlcroissant adds a column `level_0` if there is a column `index`.
_RESERVED = frozenset(
    {"level_0", "key", "group", "weight", "duration", "media.path", "media.size", "media.sha256", ROW}
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: name, type, description, and its value for an item (None if the item has none)."""

    name: str
    kind: Kind
    meaning: str
    value: Callable[[Item], Any]


@dataclass(slots=True)
class FieldTypes:
    """The types of the values of each field."""

    kinds: dict[str, set[Kind]] = field(default_factory=dict)
    left_out: int = 0
    """Number of values of fields left out because there are too many fields."""

    def add(self, item: Item) -> None:
        """Add the types of one item's fields."""
        for name in (*item.fields, *measured_fields(item)):
            if name in _RESERVED or name in ("", "measures") or plain(name) != name:
                continue
            if name not in self.kinds and len(self.kinds) >= MOST_FIELDS:
                self.left_out += 1
                continue
            value = value_of(name)(item)
            if value is not ABSENT:
                self.kinds.setdefault(name, set()).add(_kind(value))


def columns(types: FieldTypes, path: Callable[[Item], str]) -> list[TableColumn]:
    """The columns, in order. `path` returns the path of an item's file in the folder, or "" if it is not there."""
    return [
        TableColumn("key", "string", "Key of the item, unique in the data set.", lambda item: plain(item.key)),
        TableColumn("group", "string", "Items of one group were made from one file.", lambda item: plain(item.group)),
        TableColumn("duration", "number", "Duration in seconds.", _number("duration")),
        TableColumn(
            "media.path", "string", "The item's file, relative to this folder.", lambda item: plain(path(item)) or None
        ),
        TableColumn(
            "media.size", "integer", "Size of that file in bytes.", lambda item: item.media and item.media.size
        ),
        TableColumn("media.sha256", "string", "SHA-256 of that file, in hexadecimal digits.", _sha256),
        *(_field(name, types.kinds[name]) for name in sorted(types.kinds)),
        TableColumn(ROW, "json", "The whole row of the item: fields, files and provenance.", _row),
    ]


def plain(text: str) -> str:
    """Text without lone surrogates, which cannot be encoded in UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _field(name: str, kinds: Iterable[Kind]) -> TableColumn:
    kind = _common(set(kinds))
    find = value_of(name)

    def value(item: Item) -> Any:
        found = find(item)
        if found is ABSENT:
            return None
        if kind == "json":
            return json.dumps(found)
        return plain(found) if kind == "string" else float(found) if kind == "number" else found

    return TableColumn(name, kind, f"The field `{name}` of the item.", value)


def _kind(value: Any) -> Kind:
    if type(value) is bool:
        return "boolean"
    if type(value) is int:
        return "integer" if value in _INT64 else "json"
    return "number" if type(value) is float else "string" if type(value) is str else "json"


def _common(kinds: set[Kind]) -> Kind:
    if len(kinds) == 1:
        return kinds.pop()
    return "number" if kinds == {"integer", "number"} else "json"


def _number(name: str) -> Callable[[Item], float | None]:
    find = value_of(name)

    def value(item: Item) -> float | None:
        found = find(item)
        return float(found) if type(found) in (int, float) and abs(found) < 1e300 else None

    return value


def _sha256(item: Item) -> str | None:
    return (item.media.digest.removeprefix("sha256:") or None) if item.media else None


def _row(item: Item) -> str:
    return json.dumps(item.to_json())
