"""`select`: keep a number or a share of the items of each group, over the whole data set."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.spec_model import SpecModel

LARGEST_COUNT = 10_000_000
_LARGE = 1e16
"""From this number on, Python writes a float with an exponent."""

FieldPath = Annotated[str, Field(min_length=1, max_length=120)]
"""Name of a field, as in the rules of a `filter` stage: `vid`, `measures.luma`."""


def _ascending(edges: list[float]) -> list[float]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError("bins are limits in ascending order, each one once")
    return edges


class Grouping(SpecModel):
    """A field by whose values items are grouped."""

    field: FieldPath
    """Name of a field, with dots below objects: `label`, `measures.motion`. Items without the field are one group."""
    bins: (
        Annotated[
            list[Annotated[float, Field(allow_inf_nan=False)]],
            Field(min_length=1, max_length=1000),
            AfterValidator(_ascending),
        ]
        | None
    ) = None
    """Limits between ranges of numbers, in ascending order: with [1, 4], the groups are `below 1`, `1 to 4`, which
    includes 1, and `4 and above`. If absent, each value is a group."""

    @property
    def ranges(self) -> tuple[str, ...]:
        """Names of the groups of `bins`, in ascending order."""
        return _range_names([number_text(edge) for edge in self.bins or ()])

    @property
    def stored_ranges(self) -> tuple[str, ...]:
        """Texts by which data sets identify the groups of `bins`: with all digits of whole numbers."""
        return _range_names([_all_digits(edge) for edge in self.bins or ()])


class SelectBlock(StageBlock):
    """Keeps as many items of each group as are wanted: the best by a measure, or a random choice.

    No media is read. A filtered item has the reason `not_selected`. Growth changes no verdict: an item that was kept
    stays, and one that was filtered is not looked at again.
    """

    passes_items = True
    keeps_fields = True

    per: Annotated[list[Grouping], Field(max_length=8)] = Field(default_factory=list)
    """Fields that items of one group have in common. If absent, all items are one group."""
    count: Annotated[int, Field(ge=0, le=LARGEST_COUNT, strict=True)] | None = None
    """Largest number of items that are kept of each group, over all passes."""
    quotas: Annotated[dict[str, Annotated[int, Field(ge=0, le=LARGEST_COUNT, strict=True)]], Field(max_length=1000)] = (
        Field(default_factory=dict)
    )
    """Counts of certain groups, instead of `count`: value of the field, or name of the range, -> number of items, such
    as {cat: 500, dog: 20}. With one field in `per`."""
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Share of the items of each group that is kept of every pass, instead of `count`."""
    measure: FieldPath | None = None
    """Field with a number: within a pass, the items with the `best` values are kept, and equal ones in the order of
    their keys. If absent, the choice is random, by a hash of the key. An item with another value there, such as NaN, is
    `failed(bad_field)`."""
    best: Literal["highest", "lowest"] = "highest"
    """Which value of `measure` is best."""
    missing: Literal["fail", "last"] = "fail"
    """What happens to an item without the field of `measure`: `failed(no_field)`, or it comes after all others."""
    seed: int = 0
    """Seed of the random choice."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset()

    def read_fields(self) -> Sequence[tuple[str, str]]:
        found = [(f"per[{number}].field", grouping.field) for number, grouping in enumerate(self.per)]
        return [*found, ("measure", self.measure)] if self.measure else found

    def refusals(self) -> list[str]:
        wrong = []
        if (self.count is None) == (self.share is None):
            wrong.append("set exactly one of count and share")
        if self.measure is None and (self.best != "highest" or self.missing != "fail"):
            wrong.append("best and missing are about measure: name a measure, or remove them")
        if self.measure is not None and self.seed:
            wrong.append("seed is for a random choice: remove it, or measure")
        names = [grouping.field for grouping in self.per]
        if len(set(names)) < len(names):
            wrong.append("per has the same field twice")
        if self.quotas and (self.count is None or len(self.per) != 1):
            wrong.append("quotas need count, for all other groups, and one field in per")
        elif self.quotas and (ranges := self.per[0].ranges):
            unknown = [name for name in self.quotas if name not in (*ranges, *self.per[0].stored_ranges)]
            if unknown:
                wrong.append(f"quotas has {unknown[0]!r}, which is none of the ranges: {', '.join(ranges)[:500]}")
        return wrong


def number_text(value: float) -> str:
    """Return a number as in names of groups: without a fraction if it is whole, and a large one in its shortest form.

    Different numbers have different texts.
    """
    digits = _all_digits(value)
    shortest = repr(float(value)) if abs(value) <= sys.float_info.max else digits
    return digits if abs(value) < _LARGE or int(float(shortest)) != int(value) else shortest


def _all_digits(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _range_names(edges: Sequence[str]) -> tuple[str, ...]:
    if not edges:
        return ()
    between = (f"{low} to {high}" for low, high in pairwise(edges))
    return (f"below {edges[0]}", *between, f"{edges[-1]} and above")
