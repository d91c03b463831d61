"""The types of columns in Arrow tables."""

from importlib import import_module
from typing import Any

from reelmill.contract.spec.stages.write import ColumnType


def arrow_type(kind: ColumnType) -> Any:
    """The type of a column's values."""
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
    """The type of the column with the shape of an array, whose values are in C order."""
    arrow: Any = import_module("pyarrow")
    return arrow.list_(arrow.int64())
