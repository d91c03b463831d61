"""Columns in Arrow tables: their types, and lists of numbers as arrays while a file is written."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from reelmill.contract.spec.stages.write import LISTS_OF_NUMBERS, ColumnType
from reelmill_stages.stages.write.columns import ReadyColumn


def arrow_type(kind: ColumnType) -> Any:
    """Return the type of a column's values."""
    arrow: Any = import_module("pyarrow")
    types = {
        "string": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
        "vector": arrow.list_(arrow.float32()),
        "vectors": arrow.list_(arrow.list_(arrow.float32())),
        "json": arrow.string(),
    }
    return types[kind]


def shape_type() -> Any:
    """Return the type of the column with the shape of an array, whose values are in C order."""
    arrow: Any = import_module("pyarrow")
    return arrow.list_(arrow.int64())


class ListColumns:
    """The columns with lists of numbers, `vector` and `vectors`.

    Their values are Arrow arrays of one row until a table is made: 4 bytes per number instead of 32 in Python.
    """

    def __init__(self, columns: Sequence[ReadyColumn]) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._types = {
            place: arrow_type(column.kind) for place, column in enumerate(columns) if column.kind in LISTS_OF_NUMBERS
        }
        self._names = frozenset(columns[place].name for place in self._types)

    def packed(self, values: Sequence[Any]) -> tuple[list[Any], int]:
        """Return (the values of a sample with its lists as arrays, bytes of these arrays)."""
        packed, size = list(values), 0
        for place, kind in self._types.items():
            packed[place] = self._arrow.array([values[place]], kind)
            size += packed[place].nbytes
        return packed, size

    def column(self, name: str, cells: Sequence[Any], kind: Any) -> Any:
        """Return the column `name` of such values, or of plain ones."""
        return self._arrow.concat_arrays(cells) if name in self._names else self._arrow.array(cells, kind)
