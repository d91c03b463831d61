"""`reelmill repair`: make damaged output files again, if their bytes can be proven to be the committed ones.

The stage processes the item again, from the input that its pass names. An index of kept inputs is rebuilt from the
signatures and verdicts of its pass (`repair_index`). Only a file with the committed digest is put in place. The damaged
object is moved to the trash first, so nothing is lost if it is a user's file.
"""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from reelmill.contract.commands.result_rows import RepairResult, RepairRow
from reelmill.contract.errors import NotFound, SpecError, StoreDamaged, StoreError
from reelmill.contract.records.claim import Claimant
from reelmill.contract.records.layout import DataSetPaths, trash
from reelmill.contract.records.segment import Object, Part
from reelmill.contract.records.verification import ProgressRecord
from reelmill.contract.task import SourceDef, StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, entries, must_exist, store_of
from reelmill_stages.commands.integrity.put_back import NotRepaired, put_back
from reelmill_stages.commands.integrity.repair_index import DamagedIndexes
from reelmill_stages.commands.replay import find_input, run_order
from reelmill_stages.commands.replay_order import ReplayOrder
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import read_pins
from reelmill_stages.runtime.outputs.upload import item_mark
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.runtime.verify.damaged_object import DamagedObject
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.whole_store import damaged_in_store
from reelmill_stages.store.damage import address
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.keys import below

_WHY_NOT = "only output files of stages and indexes of kept inputs can be rebuilt"


def repair(
    task: Task,
    env: Mapping[str, str],
    *,
    timeouts: Mapping[str, float],
    now: float,
    names: Collection[str] = (),
    max_rate: float | None = None,
    read_all: bool = False,
    claimant: Claimant | None = None,
) -> RepairResult:
    """Find all damage, or that of the given sources and stages, and repair it, upstream first.

    Damage at the root of the store and in earlier data sets is reported, not repaired; `claimant` is the pipeline file,
    if there is one, for records that are missing there.

    `timeouts` maps stages to the seconds that an item may take, `now` is in seconds since the epoch, and `max_rate`
    limits reading, in bytes per second. With `read_all`, the server's checksums are not relied on. Raises SpecError for
    a store that has none of these data sets, and TransientError if the store does not answer.
    """
    store = store_of(task, env)
    reading = Reading(store, max_rate, read_all=read_all)
    progress = VerificationProgress(ProgressRecord(store=store.uri))
    aside = trash(f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}")
    rows: list[RepairRow] = []
    moved = False
    by_root = {DataSetPaths(entry.name, entry.key).root: entry for entry in entries(task)}
    found = damaged_in_store(task, store, reading, progress, names=names, claimant=claimant)
    for root, objects in groupby(found, key=lambda each: "/".join(each[1].key.split("/", 2)[:2])):
        entry = by_root.get(root)
        if entry is None:
            rows += [_not_repaired(name, each) for name, each in objects]
            continue
        damaged = {each.key: each.error.what for _, each in objects}
        data = data_set(store, entry)
        places = _places(data, damaged)
        indexes = DamagedIndexes(data, entry, damaged, aside)
        for key, problem in damaged.items():
            why = ""
            try:
                if indexes.has(key):
                    moved |= indexes.again(key)
                else:
                    moved |= _rebuild_file(task, env, data, entry, places.get(key), timeouts, aside)
            except NotRepaired as reason:
                why = str(reason)
            rows.append(RepairRow(stage=entry.name, key=key, problem=problem, repaired=not why, why=why))
    if not (rows or reading.objects):
        must_exist(store, task, names)
    return RepairResult(rows=rows, trash=address(store, aside) if moved else "")


def _not_repaired(name: str, found: DamagedObject) -> RepairRow:
    """The row of an object that is in no present data set of the pipeline."""
    why = f"only files of the pipeline's present data sets can be rebuilt; {found.error.hint}"
    return RepairRow(stage=name, key=found.key, problem=found.error.what, repaired=False, why=why)


@dataclass(frozen=True, slots=True)
class _Place:
    """A committed output file: its segment, its shard, and whether it holds several items."""

    segment: int
    shard: int
    file: Object
    spans: bool


def _places(data: DataSet, keys: Collection[str]) -> dict[str, _Place]:
    """The places of these keys, where intact rows name them."""
    places: dict[str, _Place] = {}
    try:
        for segment in data.segments():
            for shard, part in enumerate(segment.parts):
                for file in _files(data, part):
                    if file.key in keys:
                        places[file.key] = _Place(segment.segment, shard, file, file in part.outputs)
    except StoreDamaged:
        return places
    return places


def _files(data: DataSet, part: Part) -> list[Object]:
    try:
        return list(data.part_files(part))
    except StoreDamaged:
        return list(part.outputs)


def _rebuild_file(
    task: Task,
    env: Mapping[str, str],
    data: DataSet,
    entry: SourceDef | StageDef,
    place: _Place | None,
    timeouts: Mapping[str, float],
    aside: str,
) -> bool:
    """Make a file again and put it in place; returns whether another object was moved to the trash."""
    if not isinstance(entry, StageDef) or place is None:
        raise NotRepaired(_WHY_NOT)
    if place.spans:
        raise NotRepaired("the file contains several items of a shard: only files of a single item can be rebuilt")
    name = _name(data, place)
    item = _item(data, place)
    try:
        inputs, wanted = find_input(data, entry, item, (place.segment,))
        block = registry.stage_block(entry.type, dict(entry.params))
        pins = read_pins(data.store, data.names, block)
    except (SpecError, StoreError) as error:
        raise NotRepaired(f"the input of {item} cannot be read: {error}") from error
    with tempfile.TemporaryDirectory(prefix="reelmill-repair-") as temporary:
        folder = Path(temporary)
        answer = run_order(ReplayOrder(task, entry, dict(env), pins, inputs, wanted, folder), timeouts[entry.name])
        path = next((path for file, path in answer.kept if file.name == name), None)
        if path is None:
            ended = " ".join(filter(None, (answer.outcome, answer.reason, answer.message)))
            raise NotRepaired(f"{item} does not produce this file now: {ended}")
        if file_digest(path) != place.file.digest:
            raise NotRepaired(f"{item} now produces other bytes than those that were committed")
        mark = {**item_mark(entry.key, place.segment, item), "digest": place.file.digest}
        return put_back(data.store, place.file, path, mark, aside)


def _name(data: DataSet, place: _Place) -> str:
    """The name that the stage gave the file. Raises NotRepaired for a key outside the segment."""
    try:
        return below(place.file.key, data.paths(place.segment).root)
    except StoreError as error:
        raise NotRepaired("its record names a file outside of its segment") from error


def _item(data: DataSet, place: _Place) -> str:
    """The key of the input that the file was made from, from the outcomes of its shard."""
    key = data.paths(place.segment).outcomes(place.shard)
    try:
        for settled in read_settled(data.fetch(key), address(data.store, key)):
            if any(output.key == place.file.key for item in settled.items for output in item.outputs):
                return settled.key
    except (NotFound, StoreDamaged):
        pass
    raise NotRepaired(f"the item that it was made from is unknown: {key} does not name it")
