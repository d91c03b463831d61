"""`reelmill check --stage`: verdicts over the whole data set are frozen, and the ledger agrees with them."""

from collections.abc import Iterator

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Object, Part, Segment, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load
from reelmill_stages.records.row_files import read_rows
from reelmill_stages.records.rows.line_readers import of_objects
from reelmill_stages.runtime.decide.verdict_files import Verdict


def check_verdicts(data: DataSet) -> Iterator[tuple[str, str]]:
    """(record, message) of each difference between verdicts and rows; empty for a stage without verdicts.

    Raises StoreError for a damaged record.
    """
    for segment in data.segments():
        if segment.kept:
            yield from _segment(data, segment)


def _segment(data: DataSet, segment: Segment) -> Iterator[tuple[str, str]]:
    paths = data.paths(segment.segment)
    recorded = load(data.store, paths.verdicts_json, Verdicts)
    if recorded is None:
        yield paths.verdicts_json, "the record of the verdicts is missing"
        return
    if recorded.kept != segment.kept:
        yield paths.segment_json, "it names another index of kept inputs than the record of the verdicts"
    if gone := sorted(set(recorded.rows) - set(range(len(segment.parts)))):
        yield paths.verdicts_json, f"it has verdicts for shard {gone[0]}, which the segment does not have"
    for shard, part in enumerate(segment.parts):
        if file := recorded.rows.get(shard):
            yield from _shard(data, part, file)


def _shard(data: DataSet, part: Part, file: Object) -> Iterator[tuple[str, str]]:
    verdicts = read_rows(data.store, file.key, file.digest, data.scratch, of_objects(Verdict.from_json))
    verdict = next(verdicts, None)
    for number, row in enumerate(data.part_ledger(part)):
        if verdict is None:
            return
        if number == verdict.place.row:
            if not _agrees(row, verdict):
                yield (
                    file.key,
                    f"{verdict.key!r} is filtered here, row {number + 1} says {row.key!r} {row.outcome}",
                )
            verdict = next(verdicts, None)
    if verdict is not None:
        yield file.key, f"its verdict about {verdict.key!r} matches no row of the ledger"


def _agrees(row: LedgerRow, verdict: Verdict) -> bool:
    return (row.key, row.outcome, row.reason) == (verdict.key, Outcome.FILTERED, verdict.reason)
