"""Rebuild of the index of a closed pass from its records: signatures of its shards, and verdicts."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from reelmill.contract.records.segment import Object, Pass, Segment, ShardCommit, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load
from reelmill_stages.records.row_files import read_rows, rows_file
from reelmill_stages.records.rows.line_readers import of_objects
from reelmill_stages.runtime.decide.order import SignatureOrder
from reelmill_stages.runtime.decide.pass_index import PassIndex
from reelmill_stages.runtime.decide.verdict_files import Verdict
from reelmill_stages.stage import Stage
from reelmill_stages.store.damage import address, gone

R = TypeVar("R")

_BATCH = 1 << 12


def rebuilt(data: DataSet, segment: Segment, stage: Stage, folder: Path) -> Iterator[tuple[Object, Path]]:
    """(object that the segment names, file that should have its content), one by one.

    `data` has the segments before this one. Raises StoreDamaged for a record that is missing or damaged.
    """
    assert segment.kept is not None
    index = PassIndex(data, folder, with_checks=segment.kept.checked)
    with SignatureOrder() as order:
        for commit, dropped in _commits_with_dropped_rows(data, segment):
            if rows := commit.signatures:
                with rows_file(data.store, rows.key, rows.digest, folder) as file:
                    order.add(commit.shard, file, dropped)
        kept = (one.signed for one in order)
        while batch := list(islice(kept, _BATCH)):
            index.add(batch, stage)
    for wanted, bucket in zip(segment.kept.buckets, index.buckets(), strict=False):
        if wanted and bucket:
            yield wanted, bucket
    yield from zip(segment.kept.blocks, index.blocks(), strict=False)


def _commits_with_dropped_rows(data: DataSet, segment: Segment) -> Iterator[tuple[ShardCommit, set[int]]]:
    """The commit of each shard, and the rows of its ledger that were filtered by verdicts."""
    paths = data.paths(segment.segment)
    opened = _required(data, paths.pass_json, load(data.store, paths.pass_json, Pass))
    verdicts = _required(data, paths.verdicts_json, load(data.store, paths.verdicts_json, Verdicts))
    lost = {commit.shard: commit for commit in verdicts.lost}
    for shard in range(len(opened.shards)):
        key = paths.shard(shard)
        commit = lost.get(shard) or _required(data, key, load(data.store, key, ShardCommit))
        file = verdicts.rows.get(shard)
        dropped = (
            {
                one.place.row
                for one in read_rows(data.store, file.key, file.digest, data.scratch, of_objects(Verdict.from_json))
            }
            if file
            else set()
        )
        yield commit, dropped


def _required(data: DataSet, key: str, record: R | None) -> R:
    if record is None:
        raise gone(address(data.store, key))
    return record
