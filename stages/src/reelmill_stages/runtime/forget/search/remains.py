"""Remains of forgotten items in a store: searches all objects that may contain their names, without using lineage."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from reelmill.contract.errors import NotFound
from reelmill.contract.records.forgotten import (
    PENDING,
    TOMBSTONES,
    ForgottenNames,
    Tombstone,
    digest_in,
    is_names_record,
    tombstone_digest,
    tombstones,
)
from reelmill.contract.task import SourceDef
from reelmill_stages.records.owned import is_link
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.forget.descendants import DataSets
from reelmill_stages.runtime.forget.search.names import DigestNames
from reelmill_stages.runtime.forget.search.texts import UnreadableTexts, reader_of
from reelmill_stages.runtime.forget.source_place import source_place
from reelmill_stages.store import Stat, Store

_THREADS = 16
"""Number of tombstones read concurrently."""


@dataclass(slots=True)
class Remains:
    """The result of a search."""

    items: int = 0
    """Number of forgotten items that were searched for."""
    objects: int = 0
    """Number of objects whose texts were read."""
    named_only: int = 0
    """Number of objects of which only the key was compared: pictures, sound, arrays, unknown or damaged formats."""
    left: list[str] = field(default_factory=list)
    """Keys of objects with data of the items."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The forgotten items of a source, by their digests, and everything made from them."""

    source: SourceDef
    place: str
    """Location that they are from: that of the source, or of another source of the same name."""
    tombstones: dict[str, Tombstone]
    names: tuple[ForgottenNames, ...]

    @property
    def released(self) -> frozenset[str]:
        """Digests of the keys of objects that a user has released."""
        return frozenset(each for one in self.tombstones.values() for let in one.releases for each in let.objects)


def forgotten(store: Store, source: SourceDef, keys: Collection[str] = (), place: str = "") -> Forgotten:
    """The forgotten items of a source; only those with these keys, if there are any.

    `place`, if given, selects another source of this name, at that location.
    """
    wanted, here = {tombstone_digest(source.name, key) for key in keys}, place or source_place(source)
    listed = [stat.key for stat in store.list(tombstones(source.name), follow_links=False)]
    digests = {digest: key for key in listed if (digest := digest_in(key)) and (not wanted or digest in wanted)}
    with ThreadPoolExecutor(_THREADS) as pool:
        records = dict(zip(digests, pool.map(lambda key: load(store, key, Tombstone), digests.values()), strict=True))
    found = {
        digest: record for digest, record in records.items() if record and (not record.places or here in record.places)
    }
    names = [made for key in listed if is_names_record(key) and (made := load(store, key, ForgottenNames))]
    of_these = tuple(one for one in names if one.place in (here, "") and not found.keys().isdisjoint(one.items))
    return Forgotten(source, here, found, of_these)


def remains(store: Store, what: Forgotten) -> Remains:
    """Search the store for all of these items.

    Data sets that were not made from the source are skipped: they may have items with the same names.
    """
    found = Remains(items=len(what.tombstones))
    if not what.tombstones:
        return found
    data_sets = DataSets(store)
    names = DigestNames(what.source.name, what.names, what.tombstones, but=data_sets.names)
    is_own = what.place == source_place(what.source)
    sources = data_sets.of(what.source) if is_own else data_sets.at(what.source.name, what.place)
    mine = {root for one in what.names for root in one.roots} | data_sets.below(sources)
    others = data_sets.roots - mine
    for stat in data_sets.listed:
        root = _root_of(stat.key)
        if is_link(stat) or root in others or stat.key.startswith((TOMBSTONES, PENDING)):
            continue
        if tombstone_digest(what.source.name, stat.key) in what.released:
            continue
        of_data_set = root if root in mine else ""
        if names.names_file(stat.key, of_data_set) or _mentions_names(store, stat, names, of_data_set, found):
            found.left.append(stat.key)
    return found


def _root_of(key: str) -> str:
    return "/".join(key.split("/", 2)[:2])


def _mentions_names(store: Store, stat: Stat, names: DigestNames, root: str, found: Remains) -> bool:
    read = reader_of(stat.key)
    if read is None:
        found.named_only += 1
        return False
    try:
        has = any(names.mentioned(text) or names.is_deleted_file(text, root) for text in read(store, stat.key))
    except NotFound:
        return False
    except UnreadableTexts:
        found.named_only += 1
        return False
    found.objects += 1
    return has
