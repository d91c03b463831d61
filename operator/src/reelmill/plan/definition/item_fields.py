"""Checks whether a stage names fields that its inputs cannot have (`Block.known_fields`)."""

from collections.abc import Mapping

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import StageSpec
from reelmill.contract.text.suggestions import nearest

OF_EVERY_ITEM = frozenset({"key", "group", "weight", "duration", "media.size"})
"""Fields that a rule may name for any kind of items."""

Known = frozenset[str] | None
"""Names of fields, with dots below objects; None: unknown."""


def unknown_fields(stage: StageSpec, upstreams: Mapping[str, Known], where: str) -> list[SpecError]:
    """The errors for fields that a stage reads and no item of its inputs can have."""
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
