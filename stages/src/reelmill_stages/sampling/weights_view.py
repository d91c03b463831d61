"""The view `weights.parquet`: one row per item of a data set, for weighted samplers and stable subsets.

Columns: `key`, `path` (relative to the root of the data set: the item's file, or the folder of its files), `weight`
(float64, with a mean of 1), `position` (float64 in [0, 1)), and `cluster` (int32) if clusters are requested.
"""

from itertools import islice
from posixpath import commonpath, dirname, relpath
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.view import Weights
from reelmill_stages.records.rows.item_values import ABSENT, value_of
from reelmill_stages.sampling.factors import InverseFrequency, MeasureRamp, WeightFactor
from reelmill_stages.sampling.positions import position
from reelmill_stages.stage import DataSetReader, File

NAME = "weights.parquet"
_ROWS = 65_536


def weights_file(data: DataSetReader, weights: Weights) -> File:
    """Write the view of a data set. Raises SpecError without pyarrow, and if all weights are zero."""
    pyarrow, parquet = _pyarrow()
    factors, clusters = _factors(data, weights)
    for item in data.items() if factors else ():
        for factor in factors:
            factor.add(item)
    total, count = 0.0, 0
    for item in data.items():
        for found in clusters:
            found.assign(item)
    for item in data.items():
        total += _weight(factors, item)
        count += 1
    if count and not total:
        raise SpecError(
            "the weight of every item is 0, so no item can be drawn",
            where=f"view.weights of {data.name}",
            hint="change from and to, or missing, of its measures",
        )
    columns = [("key", pyarrow.string()), ("path", pyarrow.string())]
    columns += [("weight", pyarrow.float64()), ("position", pyarrow.float64())]
    columns += [("cluster", pyarrow.int32())] if clusters else []
    schema = pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in columns])
    path, together = data.scratch / NAME, value_of(weights.subsets)
    rows = iter(data.items())
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _ROWS)):
            made: dict[str, list[Any]] = {
                "key": [item.key for item in batch],
                "path": [path_of(item, data.root) for item in batch],
                "weight": [_weight(factors, item) * count / total for item in batch],
                "position": [position(_name(together(item), item), weights.seed) for item in batch],
            }
            if clusters:
                made["cluster"] = [clusters[0].cluster(item) for item in batch]
            writer.write_table(pyarrow.table(made, schema=schema))
    return File(NAME, path)


def path_of(item: Item, root: str) -> str:
    """Return an item's path relative to the root of its data set: its file, or the folder of its files."""
    if item.media is not None and not ("://" in item.media.uri or item.media.uri.startswith("/")):
        return relpath(item.media.uri, root)
    keys = [output.key for output in item.outputs]
    if not keys:
        return item.media.uri if item.media is not None else ""
    return relpath(commonpath([dirname(key) for key in keys]), root)


def _name(value: Any, item: Item) -> str:
    """Return the text that determines an item's position: the value that it shares with others, or its key."""
    return item.key if value is ABSENT else str(value)


def _weight(factors: list[WeightFactor], item: Item) -> float:
    weight = 1.0
    for factor in factors:
        weight *= factor.of(item)
    return weight


def _factors(data: DataSetReader, weights: Weights) -> tuple[list[WeightFactor], list[Any]]:
    factors: list[WeightFactor] = []
    clusters: list[Any] = []
    for factor in weights.factors:
        if factor.inverse is not None:
            factors.append(InverseFrequency(factor))
        elif factor.measure is not None:
            factors.append(MeasureRamp(factor))
        else:
            from reelmill_stages.sampling.clusters import ClusterBalance
            from reelmill_stages.sampling.vectors import vector_reader

            clusters.append(ClusterBalance(factor, weights.seed, vector_reader(data)))
            factors.append(clusters[-1])
    return factors, clusters


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise SpecError(
            "view.weights needs the package pyarrow", where="view.weights", hint="install reelmill-stages[parquet]"
        ) from error
    return pyarrow, parquet
