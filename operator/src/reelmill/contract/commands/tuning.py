"""What `reelmill tune` gives back: how the rules of a filter stage meet the items that it would read."""

from typing import Literal

from reelmill.contract.commands.result_rows import CommandRow, Number


class Histogram(CommandRow):
    """How the values of one numeric field are distributed."""

    field: str
    items: int
    """Items that have the field as a finite number."""
    missing: int
    """Items without it."""
    bad: int
    """Items where it is no finite number."""
    least: Number
    most: Number
    mean: Number
    edges: list[Number]
    """Edges of the bins, one more than `counts`; the last bin includes its upper edge."""
    counts: list[int]


class ValueCount(CommandRow):
    """How many items have a value in a field of texts, or of true and false."""

    value: str
    items: int


class Values(CommandRow):
    """The most frequent values of one field of texts, or of true and false."""

    field: str
    items: int
    distinct: int | None
    """Number of different values; None: too many to be counted."""
    values: list[ValueCount]


class RuleEffect(CommandRow):
    """What one rule does with the items, by itself and together with the others."""

    name: str
    field: str
    limits: str
    """Its conditions in words, such as `min 16`."""
    min: Number | None
    max: Number | None
    alone: int
    """Items that it does not keep, whatever the others do."""
    first: int
    """Items that it does not keep, and every rule before it does: those in the ledger under its name."""
    only: int
    """Items that no other rule drops: so many more would be kept without it."""
    failing: int
    """Of `alone`: items that fail because the field is missing or of another type."""


class Example(CommandRow):
    """An item close to a limit."""

    rule: str
    limit: Literal["min", "max"]
    kept: bool
    """Whether the rule keeps it: it is just inside the limit."""
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
    """Path of the report; empty where none was asked for."""
    sheets: list[str]
    """Paths of the sheets of examples."""
    unseen: list[str]
    """Examples whose frame cannot be shown, and why."""
