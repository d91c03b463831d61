"""The identity of a source by its location.

Pipelines that share a store may have sources of the same name at different locations.
"""

from collections.abc import Mapping

from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.records.forgotten import tombstone_digest
from reelmill.contract.records.rows import Item
from reelmill.contract.task import SourceDef
from reelmill_stages import registry
from reelmill_stages.records.lineage.source_time import source_objects


def source_place(source: SourceDef) -> str:
    """The location of a source, as returned by `place_of` for the definition in its data set."""
    return place_of(source.name, {"type": source.type, "params": source.params})


def place_of(source: str, definition: Mapping[str, object]) -> str:
    """A digest of the location of a source of this name; empty if its definition, as recorded in data sets, has none.

    Changes of columns, patterns or epoch do not make it another source.
    """
    params = definition.get("params")
    type_ = definition.get("type")
    if not isinstance(params, Mapping) or not isinstance(type_, str):
        return ""
    try:
        uri = params.get(registry.uri_field(type_))
    except SpecError:  # from a version with other kinds of sources
        uri = params.get("uri")
    where = uri.rstrip("/") if isinstance(uri, str) else fingerprint(dict(params))
    return tombstone_digest(source, f"{where}\0place")


def objects_of(source: str, item: Item) -> tuple[str, ...]:
    """Digests of the URIs of the source objects of an item."""
    return tuple(sorted({tombstone_digest(source, media.uri) for media in source_objects(item)}))
