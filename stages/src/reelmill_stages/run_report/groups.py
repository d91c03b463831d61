"""Fields as shown in a report: one group per field, from the stage where it appears to the last that passes it on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reelmill.contract.commands.summary import Distribution


@dataclass(slots=True)
class FieldGroup:
    """Distributions of one field with the same edges, from stage to stage, beginning with the one where it appears."""

    field: str
    found: list[Distribution]

    @property
    def first(self) -> Distribution:
        return self.found[0]

    @property
    def last(self) -> Distribution | None:
        """The last distribution, if its numbers differ from those of the first."""
        last = self.found[-1]
        return last if (last.histogram, last.values) != (self.first.histogram, self.first.values) else None


def field_groups(found: Iterable[Distribution], reads: Mapping[str, Sequence[str]]) -> list[FieldGroup]:
    """The groups, in order of their first distribution. `found` has upstreams before their stages."""
    groups: list[FieldGroup] = []
    for each in found:
        group = next((group for group in groups if _continues_group(group, each, reads)), None)
        if group:
            group.found.append(each)
        else:
            groups.append(FieldGroup(each.field, [each]))
    return groups


def class_counts(group: FieldGroup) -> list[tuple[str, list[int | None]]]:
    """(value, its items in each distribution of the group), the most frequent first; None if not counted."""
    order: dict[str, None] = {}
    for each in group.found:
        order |= dict.fromkeys(one.value for one in each.values.values) if each.values else {}
    tables = [{one.value: one.items for one in each.values.values} if each.values else {} for each in group.found]
    complete = [bool(each.values and len(each.values.values) == each.values.distinct) for each in group.found]
    return [
        (value, [table.get(value, 0 if whole else None) for table, whole in zip(tables, complete, strict=True)])
        for value in order
    ]


def _continues_group(group: FieldGroup, each: Distribution, reads: Mapping[str, Sequence[str]]) -> bool:
    above = [one for one in group.found if one.name in reads.get(each.name, ())]
    return group.field == each.field and any(_same_axis(one, each) for one in above)


def _same_axis(one: Distribution, other: Distribution) -> bool:
    if one.histogram and other.histogram:
        return one.histogram.edges == other.histogram.edges
    return not one.histogram and not other.histogram
