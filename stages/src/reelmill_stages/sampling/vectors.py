"""Vectors of items: the array `embedding` in an item's npz file, as written by an `embed` stage."""

import shutil

import numpy as np

from reelmill.contract.records.rows import Item
from reelmill_stages.sampling.clusters import ReadVector, Vector
from reelmill_stages.stage import DataSetReader
from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError

_ARRAY = "embedding"


def vector_reader(data: DataSetReader) -> ReadVector:
    """Return a function that reads the vector of an item, averaged over time if there is a time axis."""

    def read(item: Item) -> Vector | None:
        if item.media is None or not item.media.uri.endswith(".npz"):
            return None
        path = data.fetch(item.media.uri, item.media.digest)
        try:
            with ArrayArchive(path) as arrays:
                found = np.asarray(arrays.array(_ARRAY), dtype=np.float32)
        except (ArrayError, KeyError, ValueError):
            return None
        finally:
            if path.is_relative_to(data.scratch):
                shutil.rmtree(path.parent, ignore_errors=True)
        return found.reshape(-1, found.shape[-1]).mean(axis=0) if found.ndim and found.size else None

    return read
