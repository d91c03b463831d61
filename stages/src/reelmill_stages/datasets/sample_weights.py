"""Weights of samples and stable subsets, from the view `weights.parquet` of a stage (`view.weights`).

samples = Clip4mcSamples(where)
weights = SampleWeights(where)
loader = DataLoader(samples, sampler=weights.sampler(samples.samples, len(samples), seed=7))
tenth = Subset(samples, weights.subset(samples.samples, 0.1))
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.sampling.weights_view import NAME

if TYPE_CHECKING:
    from torch.utils.data import WeightedRandomSampler

Floats = np.ndarray[Any, np.dtype[np.float64]]
_COLUMNS = ("key", "path", "weight", "position")


class SampleWeights:
    """The weights and positions of the items of a stage, by their keys and paths.

    `where` is an exported folder, or the folder of a stage in a store, as for the readers. A name is the key of an
    item, or its path below the folder, such as an entry of `Clip4mcSamples.samples`. Raises SpecError without pyarrow
    and for a file of another form, NotFound without the view, and StoreDamaged if it differs from what was written.
    """

    def __init__(self, where: str, *, endpoint: str = "", region: str = "") -> None:
        place = SampleFolder(where, endpoint=endpoint, region=region).current(NAME)
        table = _table(place.view(NAME), place.at(NAME))
        self.keys: list[str] = table["key"].to_pylist()
        """Keys of the items, in their order."""
        self.weights: Floats = table["weight"].to_numpy()
        """float64 (items,), with a mean of 1."""
        self.positions: Floats = table["position"].to_numpy()
        """float64 (items,), in [0, 1)."""
        self._places = {path: row for row, path in enumerate(table["path"].to_pylist()) if path}
        self._places |= {key: row for row, key in enumerate(self.keys)}

    def __len__(self) -> int:
        return len(self.keys)

    def of(self, names: Sequence[str]) -> Floats:
        """Return the weights of samples, float64 (len(names),).

        Raises SpecError for a name that is neither key nor path.
        """
        found: Floats = self.weights[self._rows(names)]
        return found

    def subset(self, names: Sequence[str], share: float, *, start: float = 0.0) -> list[int]:
        """Return the indexes of the names whose positions are in [start, start + share).

        The subset does not change when items are added. Subsets of disjoint ranges are disjoint. Raises as `of`.
        """
        positions = self.positions[self._rows(names)]
        return np.flatnonzero((positions >= start) & (positions < start + share)).tolist()

    def sampler(self, names: Sequence[str], count: int, *, seed: int = 0) -> "WeightedRandomSampler":
        """Return a sampler that draws `count` indexes of the names by weight, with replacement. Raises as `of`."""
        import torch
        from torch.utils.data import WeightedRandomSampler

        chance = torch.Generator()
        chance.manual_seed(seed)
        weights = torch.from_numpy(self.of(names).copy())
        return WeightedRandomSampler(weights, count, replacement=True, generator=chance)

    def _rows(self, names: Sequence[str]) -> list[int]:
        try:
            return [self._places[name] for name in names]
        except KeyError as error:
            raise SpecError(
                f"there is no weight for {error.args[0]!r}",
                where=NAME,
                hint="weights and samples must be of the same data set: build the view again after it has grown",
            ) from None


def _table(data: bytes, where: str) -> Any:
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        raise SpecError(
            "weights need the package pyarrow", where=where, hint="install reelmill-stages[parquet]"
        ) from error
    try:
        return parquet.read_table(io.BytesIO(data), columns=list(_COLUMNS))
    except (ArrowException, OSError, ValueError, KeyError) as error:
        raise SpecError(f"not a file of weights: {error}", where=where, hint="build the view again") from error
