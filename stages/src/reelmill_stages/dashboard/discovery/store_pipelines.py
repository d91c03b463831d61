"""The pipelines of a store, found by its claims: the owners of each data set, and what it was made from.

The store does not contain pipeline files. It contains what the pages need: the definition of each data set, and the
keys of the data sets that it was made from. Data sets without a claim are shown together.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import yaml

from reelmill.contract.commands.dashboard import (
    PipelineDefinition,
    PipelineRow,
    PodLine,
    ShowRows,
    StageWork,
    row_to_be_read,
)
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS, DataSetPaths
from reelmill.contract.records.run import RunRecord
from reelmill.contract.task import Owner, SourceDef, StageDef, Step, StoreRef, Task, Upstream
from reelmill.contract.text.redaction import redacted
from reelmill.contract.text.urls import without_secrets
from reelmill_stages.commands.entry import entries
from reelmill_stages.dashboard.discovery.data_set_state import DataSetState, as_defined, data_set_state
from reelmill_stages.dashboard.discovery.pipeline_rows import pipeline_row
from reelmill_stages.dashboard.discovery.run_records import RunRecords
from reelmill_stages.dashboard.errors import NoSuch
from reelmill_stages.dashboard.stores import OpenStores
from reelmill_stages.records.claims import CLAIM_NAME
from reelmill_stages.records.record_files import peek
from reelmill_stages.store import Store
from reelmill_stages.store.open import is_bucket

THREADS = 8
"""Concurrent reads of a bucket. A folder is read by one thread, because more would only take turns."""
PARTS = 8
"""How often rows are shown while data sets are read for the first time."""
UNCLAIMED = Owner(namespace="", name="unclaimed", uid="")
"""Stands for data sets that no pipeline claims, such as those of a copy."""
_HEX = set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class _Claimed:
    """One place with a data set, its claims with their times, and its state; None: not read yet."""

    names: DataSetPaths
    claims: tuple[tuple[Claim, float], ...]
    state: DataSetState | None


@dataclass(slots=True)
class _Found:
    """A pipeline: its data sets by name, the one with its latest claim first."""

    owner: Owner
    run: RunRecord | None = None
    """The pipeline at its last survey; None: not recorded."""
    places: dict[str, list[tuple[float, _Claimed]]] = field(default_factory=dict)

    @property
    def tolerances(self) -> dict[str, str | None]:
        return self.run.definition.tolerances if self.run else {}

    def is_read(self, states: Mapping[str, DataSetState], unread: Set[str]) -> bool:
        """Whether all its data sets and those that they read have been read; `unread` has the roots of the others."""
        claimed = {place.names.root for places in self.places.values() for _, place in places}
        used = {DataSetPaths(state.name, state.key).root for state in self.states(states)}
        return (claimed | used).isdisjoint(unread)

    def states(self, others: Mapping[str, DataSetState]) -> list[DataSetState]:
        """Return the present data set of each name, sources first, each after those that it reads.

        `others` are all data sets by their roots. Data sets that the pipeline reads but does not claim are included,
        and so are stages that have never started, if the last survey is recorded.
        """
        if self.run:
            return [_defined_state(entry, others) for entry in entries(self.run.task)]
        newest = {name: max(places, key=lambda each: each[0])[1].state for name, places in self.places.items()}
        present = {name: state for name, state in newest.items() if state}
        left = list(present.values())
        while left:
            for name, key in left.pop().upstreams.items():
                if name not in present:
                    gone = DataSetState(name, key, is_source=True)
                    present[name] = others.get(DataSetPaths(name, key).root, gone)
                    left.append(present[name])
        return _in_order(list(present.values()))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What has been read: pipelines by (namespace, name), and the states of all data sets by their roots."""

    pipelines: Mapping[tuple[str, str], _Found]
    states: Mapping[str, DataSetState]


class StorePipelines:
    """Implements `Pipelines`."""

    def __init__(self, ref: StoreRef, stores: OpenStores) -> None:
        self._ref = ref
        self._store: Store = stores.at(ref)
        self._threads = THREADS if is_bucket(ref.uri) else 1
        self._claims: dict[tuple[str, str], Claim | None] = {}
        self._runs = RunRecords(self._store, self._threads)
        self._last = _Reading({}, {})

    @property
    def origin(self) -> str:
        return without_secrets(self._ref.uri)

    def rows(self, show: ShowRows | None = None) -> list[PipelineRow]:
        """Return all pipelines. Raises StoreError and TransientError if the store cannot be listed."""
        return self._read(show)[0]

    def definition(self, namespace: str, name: str) -> PipelineDefinition:
        known = self._last
        if (namespace, name) not in known.pipelines:
            _, known = self._read(None)
        found = known.pipelines.get((namespace, name))
        if found is None:
            raise NoSuch(f"no pipeline {namespace}/{name} has claims in this store", where=self.origin)
        states = found.states(known.states)
        return PipelineDefinition(
            namespace=namespace,
            name=name,
            task=_task(self._ref, found.owner, states),
            document=_document(states),
            tolerances=found.tolerances,
        )

    def work(self, namespace: str, name: str) -> list[StageWork]:
        return []

    def why(self, namespace: str, name: str, stage: str = "") -> str:
        return ""

    def logs(self, namespace: str, name: str, stage: str, shard: int | None) -> Iterator[PodLine]:
        return iter(())

    def _read(self, show: ShowRows | None) -> tuple[list[PipelineRow], _Reading]:
        """Read all pipelines. Several threads may do so at the same time: each uses only what it has read."""
        places = self._claimed_places()
        unread = {place.names.root for place in places}
        runs = self._runs.read()
        if show:
            show(self._rows(places, unread, runs)[0])
        part = len(places) // PARTS + 1
        for number, place in enumerate(self._with_states(places), 1):
            places[number - 1] = place
            unread.discard(place.names.root)
            if show and unread and number % part == 0:
                rows, self._last = self._rows(places, unread, runs)
                show(rows)
        rows, reading = self._rows(places, unread, runs)
        self._last = reading
        return rows, reading

    def _rows(
        self, places: Iterable[_Claimed], unread: Set[str], runs: Mapping[str, RunRecord]
    ) -> tuple[list[PipelineRow], _Reading]:
        """Return the row of each pipeline, and the pipelines that have been read."""
        states = {place.names.root: place.state for place in places if place.state}
        pipelines = _pipelines(places, runs)
        read = {name: each for name, each in pipelines.items() if each.is_read(states, unread)}
        rows = [
            pipeline_row(namespace, name, self.origin, each.states(states), each.tolerances)
            if (namespace, name) in read
            else row_to_be_read(namespace, name, self.origin)
            for (namespace, name), each in sorted(pipelines.items())
        ]
        return rows, _Reading(read, states)

    def _claimed_places(self) -> list[_Claimed]:
        """Return all places that may have a data set."""
        names = [name for name in self._store.folders() if name != INTERNAL]
        with ThreadPoolExecutor(self._threads) as pool:
            keys = pool.map(lambda name: [*self._store.folders(f"{name}/")], names)
            places = [
                DataSetPaths(name, key)
                for name, found in zip(names, keys, strict=True)
                for key in found
                if len(key) == KEY_DIGITS and set(key) <= _HEX
            ]
            return list(pool.map(lambda place: _Claimed(place, tuple(self._claims_on(place)), None), places))

    def _with_states(self, places: Iterable[_Claimed]) -> Iterator[_Claimed]:
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(self._with_state, places)

    def _with_state(self, place: _Claimed) -> _Claimed:
        names, claims = place.names, place.claims
        state = data_set_state(self._store, names)
        full = next((claim.key for claim, _ in claims if claim.key.startswith(names.key)), state.key)
        # Another program may have created a folder of that name.
        is_ours = bool(claims or state.definition or state.opened or state.problem)
        if is_ours and state.key != full:
            state = data_set_state(self._store, DataSetPaths(names.name, full))
        return _Claimed(names, claims, state if is_ours else None)

    def _claims_on(self, names: DataSetPaths) -> Iterator[tuple[Claim, float]]:
        for stat in self._store.list(names.users, follow_links=False):
            if not CLAIM_NAME.fullmatch(stat.key.removeprefix(names.users)):
                continue
            version = (stat.key, stat.etag)
            if version not in self._claims:
                self._claims[version] = peek(self._store, stat.key, Claim)
            if claim := self._claims[version]:
                yield claim, stat.modified


def _pipelines(places: Iterable[_Claimed], runs: Mapping[str, RunRecord]) -> dict[tuple[str, str], _Found]:
    """Return (namespace, name) -> pipeline.

    If several pipelines have one name, all but one get a part of their uid in it.
    """
    by_uid: dict[str, _Found] = {}
    for place in places:
        claims: list[tuple[Owner, float]] = [*place.claims]
        if not claims and place.state:
            claims = [(UNCLAIMED, place.state.changed)]
        for owner, moment in claims:
            found = by_uid.setdefault(owner.uid, _Found(owner, runs.get(owner.uid)))
            found.places.setdefault(place.names.name, []).append((moment, place))
    named: dict[tuple[str, str], _Found] = {}
    for uid, found in sorted(by_uid.items()):
        name = (found.owner.namespace, found.owner.name)
        named[(name[0], f"{name[1]}@{uid[:8]}") if name in named else name] = found
    return named


def _defined_state(entry: SourceDef | StageDef, others: Mapping[str, DataSetState]) -> DataSetState:
    """Return the state of a source or stage of the last survey; it may have no data set yet."""
    names = DataSetPaths(entry.name, entry.key)
    return as_defined(others.get(names.root) or DataSetState(entry.name, entry.key), entry)


def _in_order(states: list[DataSetState]) -> list[DataSetState]:
    left, placed, found = sorted(states, key=lambda each: (not each.is_source, each.name)), set[str](), []
    names = {each.name for each in left}
    while left:
        chosen = next((each for each in left if not (each.upstreams.keys() & names) - placed), left[0])
        left.remove(chosen)
        placed.add(chosen.name)
        found.append(chosen)
    return found


def _task(ref: StoreRef, owner: Owner, states: Iterable[DataSetState]) -> Task:
    sources, stages = [], []
    for each in states:
        params = each.definition.get("params")
        given = dict(params) if isinstance(params, dict) else {}
        if each.is_source:
            sources.append(SourceDef(name=each.name, key=each.key, type=each.type, params=given))
        else:
            version = each.definition.get("version")
            stages.append(
                StageDef(
                    name=each.name,
                    key=each.key,
                    type=each.type,
                    data_version=version if isinstance(version, int) else 0,
                    params=given,
                    definition=each.definition,
                    upstreams=tuple(Upstream(name=name, key=key) for name, key in each.upstreams.items()),
                )
            )
    plain = Owner(namespace=owner.namespace, name=owner.name, uid=owner.uid)
    return Task(step=Step.SURVEY, owner=plain, run=0, store=ref, sources=tuple(sources), stages=tuple(stages))


def _document(states: Iterable[DataSetState]) -> str:
    head = "# The store does not hold the pipeline's file. These are the definitions that its data were made with.\n"
    return head + yaml.safe_dump(
        redacted([{"name": each.name, "key": each.key, **each.definition} for each in states]),
        sort_keys=False,
        allow_unicode=True,
    )
