"""The data sets of a store that were made from a source, by any definition or pipeline."""

from collections.abc import Collection, Sequence

from reelmill.contract.errors import SpecError
from reelmill.contract.records.frozen import frozen_as
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Pass, StageRecord
from reelmill.contract.task import SourceDef
from reelmill_stages.records.inventory import Found, places
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.owned import is_link
from reelmill_stages.records.record_files import load
from reelmill_stages.records.record_names import STAGE_JSON
from reelmill_stages.runtime.forget.source_place import place_of, source_place
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address


class DataSets:
    """The data sets of a store, from one listing of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.listed = list(store.list(follow_links=False))
        """All objects of the store; links are listed as such and not followed."""
        self._found = places(self.listed)
        self._records = {
            one.root: load(store, one.names.stage_json, StageRecord) for one in self._found if one.has_records
        }
        self._known = {root: record for root, record in self._records.items() if record}

    @property
    def roots(self) -> set[str]:
        """Roots of all data sets."""
        return set(self._known)

    @property
    def names(self) -> set[str]:
        """Names of sources and stages."""
        return {record.stage for record in self._known.values()}

    def sources(self, name: str) -> dict[str, StageRecord]:
        """Root -> record of each data set of a source of this name."""
        return {root: record for root, record in self._known.items() if record.stage == name and not record.upstreams}

    def of(self, source: SourceDef) -> set[str]:
        """Roots of the data sets of a source: those of its current definition, and those at the same location."""
        own = DataSetPaths(source.name, source.key).root
        return self.at(source.name, source_place(source)) | (self.sources(source.name).keys() & {own})

    def at(self, source: str, place: str) -> set[str]:
        """Roots of the data sets of a source of this name at this location (`source_place`)."""
        return {root for root, record in self.sources(source).items() if place_of(source, record.definition) == place}

    def below(self, roots: Collection[str]) -> set[str]:
        """Those of these roots that exist in the store, and the roots of everything made from them."""
        found = {root for root in roots if root in self._known}
        while more := {
            root
            for root, record in self._known.items()
            if root not in found and any(DataSetPaths(*each).root in found for each in record.upstreams.items())
        }:
            found |= more
        return found

    def descendants(self, sources: Collection[str]) -> list[tuple[DataSetPaths, dict[str, str]]]:
        """(names, upstreams by name and key) of these data sets of sources and of everything made from them.

        Each comes after its upstreams. Raises SpecError if one of them has an open pass, belongs to a frozen state, or
        is behind a link, or if data behind a link may be one of them.
        """
        known, roots = self._known, self.below(sources)
        for link in filter(is_link, self.listed):
            _refuse_linked_data(self._store, link.key, roots)
        for one in self._found:
            if one.root in roots or (one.root in self._records and one.root not in known):
                _refuse_in_use(self._store, one)
        return [
            (DataSetPaths(known[root].stage, known[root].key), dict(known[root].upstreams))
            for root in _in_upstream_order(known, roots)
        ]


def _refuse_linked_data(store: Store, link: str, roots: Collection[str]) -> None:
    """Raise SpecError if the link may lead to one of these data sets.

    A store reads data sets behind links, but neither lists nor deletes them.
    """
    name, _, rest = link.partition("/")
    if "/".join(link.split("/")[:2]) in roots:
        is_data = True
    elif rest:
        is_data = "/" not in rest and load(store, f"{link}/{STAGE_JSON}", StageRecord) is not None
    else:
        is_data = load(store, DataSetPaths(name, "").latest, LatestKey) is not None
    if is_data:
        raise SpecError(
            "data of the store lies behind a link",
            where=address(store, link),
            hint="forget deletes nothing behind links: replace the link by its target",
        )


def _refuse_in_use(store: Store, found: Found) -> None:
    opened = {name.split("/")[0] for name in found.objects if name.endswith("/_reelmill/pass.json")}
    for segment in sorted(opened - found.closed):
        if load(store, f"{found.root}/{segment}/_reelmill/pass.json", Pass):
            raise SpecError(
                f"the pass {found.root}/{segment} is open",
                where=address(store, found.root),
                hint="finish it with reelmill run, or close it with reelmill abandon; then forget",
            )
    if frozen := sorted(filter(None, map(frozen_as, found.claims))):
        raise SpecError(
            f"the data set {found.root} belongs to the frozen state {frozen[0]!r}",
            where=store.uri,
            hint=f"a frozen state never changes: delete its name with reelmill freeze PIPELINE {frozen[0]} --delete",
        )


def _in_upstream_order(known: dict[str, StageRecord], roots: set[str]) -> Sequence[str]:
    """The roots, each after those of its upstreams."""
    ordered: list[str] = []
    waiting = sorted(roots)
    while waiting:
        ready = [
            root
            for root in waiting
            if not any(DataSetPaths(*each).root in waiting for each in known[root].upstreams.items())
        ]
        if not ready:  # cyclic records do not belong to any pipeline
            raise SpecError("records of these data sets refer to each other in a circle", where=", ".join(waiting))
        ordered += ready
        waiting = [root for root in waiting if root not in ready]
    return ordered
