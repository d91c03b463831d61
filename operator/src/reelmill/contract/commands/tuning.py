"""Results of `reelmill tune`: the effect of a filter stage's rules on the items that it would read."""

from typing import Literal

from reelmill.contract.commands.result_rows import CommandRow, Number


class Histogram(CommandRow):
    """Distribution of the values of one numeric field."""

    field: str
    items: int
    """Number of items in which the field is a finite number."""
    missing: int
    """Number of items without the field."""
    bad: int
    """Number of items in which the field is not a finite number."""
    least: Number
    most: Number
    mean: Number
    edges: list[Number]
    """Edges of the bins, one more than `counts`; the last bin includes its upper edge."""
    counts: list[int]


class ValueCount(CommandRow):
    """Number of items with one value of a text or boolean field."""

    value: str
    items: int


class Values(CommandRow):
    """The most frequent values of a text or boolean field."""

    field: str
    items: int
    distinct: int | None
    """Number of distinct values; None: too many to count."""
    values: list[ValueCount]


class RuleEffect(CommandRow):
    """The effect of one rule on the items, alone and together with the others."""

    name: str
    field: str
    limits: str
    """Its conditions as text, such as `min 16`."""
    min: Number | None
    max: Number | None
    alone: int
    """Number of items that it drops, regardless of the other rules."""
    first: int
    """Number of items that it drops and all earlier rules keep; the ledger records these under its name."""
    only: int
    """Number of items that only this rule drops; without it, they would be kept."""
    failing: int
    """Number of items in `alone` that fail because the field is missing or has another type."""


class Example(CommandRow):
    """An item close to a limit."""

    rule: str
    limit: Literal["min", "max"]
    kept: bool
    """Whether the rule keeps it, that is, whether it is just inside the limit."""
    key: str
    value: Number


class TuneResult(CommandRow):
    """The effect of a filter stage's rules on the items of its inputs."""

    stage: str
    items: int
    kept: int
    rules: list[RuleEffect]
    histograms: list[Histogram]
    values: list[Values]
    examples: list[Example]
    report: str
    """Path of the report; empty if none was requested."""
    sheets: list[str]
    """Paths of the sheets of examples."""
    unseen: list[str]
    """Examples whose frame cannot be shown, with the reason."""
