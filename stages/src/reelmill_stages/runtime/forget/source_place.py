"""Which source an item is of. Pipelines that share a store may have sources of the same name at different places."""

from collections.abc import Mapping

from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.records.forgotten import tombstone_digest
from reelmill.contract.records.rows import Item
from reelmill.contract.task import SourceDef
from reelmill_stages import registry
from reelmill_stages.records.lineage.source_time import source_objects


def source_place(source: SourceDef) -> str:
    """The place of a source, as `place_of` gives it for the definition that its data set has."""
    return place_of(source.name, {"type": source.type, "params": source.params})


def place_of(source: str, definition: Mapping[str, object]) -> str:
    """A digest of where a source of this name is; empty if its definition, as data sets have it, does not say.

    Other columns, patterns or epochs make no other source.
    """
    params = definition.get("params")
    type_ = definition.get("type")
    if not isinstance(params, Mapping) or not isinstance(type_, str):
        return ""
    try:
        uri = params.get(registry.uri_field(type_))
    except SpecError:  # of a version that had other sources
        uri = params.get("uri")
    where = uri.rstrip("/") if isinstance(uri, str) else fingerprint(dict(params))
    return tombstone_digest(source, f"{where}\0place")


def objects_of(source: str, item: Item) -> tuple[str, ...]:
    """Digests of the addresses of the source objects of an item."""
    return tuple(sorted({tombstone_digest(source, media.uri) for media in source_objects(item)}))
