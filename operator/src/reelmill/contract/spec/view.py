"""`view`: how the finished items of a stage are presented. Changing it processes no item again."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.frames import FramesView

FieldName = Annotated[str, Field(min_length=1, max_length=120)]
"""Name of a field, as in the rules of a `filter` stage: `vid`, `measures.luma`."""


class Factor(SpecModel):
    """One factor of the weights: exactly one of `inverse`, `measure` and `clusters`."""

    inverse: FieldName | None = None
    """A field by whose values items are balanced: the factor is (number of items with the same value) ** -`power`. With
    `vid`, every video has the same total, however many clips it has. Items without the field share a value."""
    bins: Annotated[int, Field(ge=1, le=1000)] | None = None
    """With `inverse`: numbers are balanced by so many bins of equal width, instead of by equal values."""
    measure: FieldName | None = None
    """A field with a number: the factor rises from 0 at `from` to 1 at `to`, in a straight line, and stays there. `to`
    may be less than `from`."""
    from_: Annotated[float | None, Field(alias="from", allow_inf_nan=False)] = None
    to: Annotated[float | None, Field(allow_inf_nan=False)] = None
    missing: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0
    """With `measure`: the factor of items without the field, or where it is not a finite number."""
    clusters: Annotated[int, Field(ge=2, le=4096)] | None = None
    """Items are balanced by so many clusters of their vectors: the array `embedding` in the npz file of each, which an
    `embed` stage writes; its mean over time, of length 1. Items without one share a cluster."""
    power: Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)] = 1
    """With `inverse` and `clusters`: 1 gives every value the same total weight, 0.5 its square root, 0 changes
    nothing."""

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if sum(value is not None for value in (self.inverse, self.measure, self.clusters)) != 1:
            raise ValueError("a factor needs exactly one of inverse, measure and clusters")
        if self.measure is not None and (self.from_ is None or self.to is None or self.from_ == self.to):
            raise ValueError("a measure needs from and to, and they must differ")
        if self.bins is not None and self.inverse is None:
            raise ValueError("bins belongs to inverse")
        return self


class Weights(SpecModel):
    """Weights for a weighted sampler, and stable positions for subsets: the view `weights.parquet`."""

    factors: Annotated[list[Factor], Field(max_length=8)] = Field(default_factory=list)
    """The weight of an item is their product, scaled to a mean of 1. Without factors, all weights are 1."""
    subsets: FieldName = "key"
    """Field whose equal values subsets keep together: `key` is each item for itself, and with `vid`, all clips of a
    video are in the same subset. An item without the field is for itself."""
    seed: int = 0
    """Seed of the positions of subsets and of clusters."""


class StageView(FramesView):
    """Presentation of the finished items. Changing it runs only a commit."""

    weights: Weights | None = Field(None, exclude_if=lambda value: value is None)
    """Write `weights.parquet`: the weight of each item, and its position in [0, 1) by a hash, of which the items below
    0.1 are a stable tenth. Any stage can have it."""
