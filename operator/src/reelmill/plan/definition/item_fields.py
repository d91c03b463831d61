"""Which fields the items of each source and stage have, as their blocks declare, and whether a stage names others."""

from collections.abc import Mapping, Sequence

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec
from reelmill.contract.suggestions import nearest

OF_EVERY_ITEM = frozenset({"key", "group", "weight", "duration", "media.size"})
"""Fields that a rule may name whatever the items are."""

Known = frozenset[str] | None
"""Names of fields, with dots below objects; None: a block cannot tell."""


def fields_of(entry: SourceSpec | StageSpec, upstreams: Sequence[Known]) -> Known:
    """The fields of the items of an entry whose block is valid; `upstreams` are those of its inputs."""
    added = entry.block.added_fields
    if added is None or isinstance(entry, SourceSpec) or not entry.block.keeps_fields:
        return added
    found = set(added)
    for known in upstreams:
        if known is None:
            return None
        found |= known
    return frozenset(found)


def unknown_fields(stage: StageSpec, upstreams: Mapping[str, Known], where: str) -> list[SpecError]:
    """The errors of a stage that reads fields which no item of its inputs can have."""
    if not upstreams or None in upstreams.values():
        return []
    known = OF_EVERY_ITEM.union(*(fields for fields in upstreams.values() if fields))
    return [
        SpecError(
            f"no item that the stage reads has the field {field!r}",
            where=f"{where}.{stage.type}.{path}",
            hint=f"{nearest(field, known)}fields of {', '.join(upstreams)}: {', '.join(sorted(known))}",
        )
        for path, field in stage.block.read_fields()
        if not any(field == name or field.startswith(f"{name}.") for name in known)
    ]
