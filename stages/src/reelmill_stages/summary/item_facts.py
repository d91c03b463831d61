"""Facts about the items of one data set: the distribution of every field, and some example items."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.commands.summary import Distribution
from reelmill.contract.commands.tuning import Values
from reelmill.contract.records.rows import Item
from reelmill_stages.records.rows.item_values import ABSENT, Value
from reelmill_stages.summary.field_values import FieldValues, measured_fields
from reelmill_stages.summary.hash_sample import Picks

ALWAYS = ("duration", "media.size")
"""Fields of items that are not measures: seconds and bytes."""
MOST_FIELDS = 100
"""Maximum number of fields of one data set; others are left out."""
SOURCE_CODEC = "provenance.codec"
"""The codec of the video that an item was made from."""
_MOST_LEFT_OUT = 10_000
"""Maximum number of left-out fields that are counted; with a field per item there is no limit to them."""
_NAMES = frozenset({"vid", "name", "start", "end", "first", "last"})
"""Fields that identify the item or its place in the video, and so have no useful distribution."""
_SCALARS = (int, float, bool, str)
_FEW = 12
"""Number of distinct texts above which they are not classes if all of them differ."""


@dataclass(slots=True)
class ItemFacts:
    """What was found in the items of the source or stage `name`."""

    name: str
    items: int = 0
    distributions: list[Distribution] = field(default_factory=list)
    made: list[Item] = field(default_factory=list)
    """Some of the items."""
    found: dict[str, Item] = field(default_factory=dict)
    """The requested items, by key."""
    left_out: int = 0
    """Number of fields that were left out."""


def item_facts(
    name: str,
    items: Iterable[Item],
    scratch: Path,
    *,
    examples: int,
    wanted: frozenset[str] = frozenset(),
    above: Sequence[Distribution] = (),
) -> ItemFacts:
    """Read all items once.

    `scratch` is an empty folder for values of fields; `above` are distributions in the upstreams.
    """
    facts = ItemFacts(name)
    picks: Picks[Item] = Picks(examples)
    fields = _Fields(scratch)
    for item in items:
        facts.items += 1
        fields.add(item)
        picks.add(item.key, item)
        if item.key in wanted:
            facts.found[item.key] = item
    facts.made = [item for _, item in picks]
    for values in fields.known.values():
        if made := distribution(name, values, [each for each in above if each.field == values.name]):
            facts.distributions.append(made)
    facts.left_out = len(fields.left_out)
    return facts


class _Fields:
    """The fields that occur in the items."""

    def __init__(self, scratch: Path) -> None:
        self.known: dict[str, FieldValues] = {}
        self.left_out: set[str] = set()
        self._scratch = scratch
        self._items = 0
        for name in ALWAYS:
            self._add_field(name)

    def add(self, item: Item) -> None:
        for name in _names(item):
            if name not in self.known:
                self._add_field(name)
        self._items += 1
        for values in self.known.values():
            values.add(item)

    def _add_field(self, name: str) -> None:
        if len(self.known) == MOST_FIELDS:
            if len(self.left_out) < _MOST_LEFT_OUT:
                self.left_out.add(name)
            return
        path = self._scratch / f"{len(self.known)}.f8"
        value = _source_codec if name == SOURCE_CODEC else None
        # Earlier items did not have the field, or it would be known.
        self.known[name] = FieldValues(name, path, missing=self._items, value=value)


def _names(item: Item) -> Iterator[str]:
    yield from measured_fields(item)
    for name, value in item.fields.items():
        if name not in _NAMES and type(value) in _SCALARS:
            yield name
    if _source_codec(item) is not ABSENT:
        yield SOURCE_CODEC


def _provenance_value(name: str) -> Value:
    def found(item: Item) -> object:
        value = item.provenance.get(name)
        return value if type(value) in _SCALARS else ABSENT

    return found


_source_codec = _provenance_value("codec")


def distribution(name: str, values: FieldValues, above: Sequence[Distribution]) -> Distribution | None:
    """The distribution of a field to show; None if there is none, as with names that all differ.

    `above` are those of the field in the upstreams. The histogram uses their edges if it fits into one of them, so that
    the two can be overlaid.
    """
    others = values.values()
    if others and (others.distinct is None or (_are_all_distinct(values.name, others))):
        others = None
    edges = [each.histogram.edges for each in above if each.histogram]
    histogram = next((found for each in edges if (found := values.within(each))), None) or values.histogram()
    if histogram is None and others is None:
        return None
    return Distribution(name=name, field=values.name, histogram=histogram, quantiles=values.quantiles(), values=others)


def _are_all_distinct(field: str, values: Values) -> bool:
    """Whether texts are names rather than classes: they all differ."""
    most = _FEW if field.startswith("measures.") else 1
    return values.distinct == values.items > most
