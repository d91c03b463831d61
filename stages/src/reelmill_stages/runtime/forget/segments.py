"""Removal of affected data from segments: their rows, and the records that name the rows, are rewritten.

Until a segment's record is replaced, readers see the data set as before; afterwards, without the affected items. Each
step leaves a consistent data set, and can be repeated.
"""

from collections.abc import Collection, Iterator

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreDamaged
from reelmill.contract.model import Model
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.records.forgotten import AffectedDataSet, AffectedPart, anonymous_key
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import Object, Part, Segment, ShardCommit, Verdicts
from reelmill_stages.records import record_names
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import dump, load, parse
from reelmill_stages.records.row_files import rows_file
from reelmill_stages.runtime.forget import anonymous
from reelmill_stages.runtime.forget.anonymous import Redact
from reelmill_stages.runtime.forget.rewritten_files import rewrite, rewritten
from reelmill_stages.runtime.forget.search.names import Names
from reelmill_stages.runtime.shards.outcomes import read_settled
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address

_ROWS = ("items", "ledger", "lineage", "lists", "signatures", "verdicts", "logs")
"""Folders of files that belong to a shard, by the number at the beginning of their names."""
_OF_SEGMENT = ("items", "ledger", "lineage", "lists")
"""Folders for which a closed segment names every file in use."""


def redact_segment(data: DataSet, what: AffectedDataSet, number: int, names: Names) -> None:
    """Remove affected data from the rows of one segment, and delete the files of rows that had it.

    `names` are keys that no message may mention afterwards.
    """
    segment = load(data.store, data.paths(number).segment_json, Segment)
    if segment is None:
        return
    parts = {part.shard: part for part in what.parts if part.segment == number}
    found = tuple(
        _redacted_part(data, what, segment, shard, part, parts.get(shard) or _unaffected_part(number, shard), names)
        for shard, part in enumerate(segment.parts)
    )
    lists = segment.list_rows
    lists = lists and (rewritten(data, lists, anonymous.list_rows(what.keys)) or lists)
    redacted = segment.replace(parts=found, list_rows=lists)
    if redacted != segment:
        replace_record(data.store, data.paths(number).segment_json, segment, redacted)
    shards = range(len(found)) if what.upstreams else ()
    for shard in shards:
        _redact_shard(data, what, redacted, shard, parts.get(shard) or _unaffected_part(number, shard), names)
    _delete_others(data, redacted, parts.keys(), proven=set(_row_file_keys(segment)))


def _unaffected_part(segment: int, shard: int) -> AffectedPart:
    return AffectedPart(segment=segment, shard=shard, items="", inputs="", withdrawn="")


def replace_record(store: Store, key: str, before: Model, after: Model) -> None:
    """Replace a record that was read as `before`.

    Raises PreconditionFailed if it changed in the meantime, and NotFound if it is missing.
    """
    etag = store.stat(key).etag
    if parse(store.read(key, if_match=etag), address(store, key), type(before)) != before:
        raise PreconditionFailed("the record has changed", where=address(store, key))
    store.write(key, dump(after), if_match=etag)


def _redacted_part(
    data: DataSet,
    what: AffectedDataSet,
    segment: Segment,
    shard: int,
    part: Part,
    affected: AffectedPart,
    names: Names,
) -> Part:
    ordinals = set(parse_ranges(affected.items))
    rows = set(parse_ranges(affected.inputs))
    files = {file.key for file in what.files}
    items = anonymous.items(what.key, ordinals, part.first_ordinal)
    ledger = anonymous.ledger(_token(what, segment.segment, shard), rows, names)
    lineage = part.lineage
    if lineage and ordinals:
        keys = {
            each.key: anonymous_key(what.key, each.ordinal)
            for each in data.part_items(part)
            if each.ordinal in ordinals
        }
        lineage = _rewritten_or_same(data, lineage, anonymous.lineage(keys, files))
    return Part(
        items=_rewritten_or_same(data, part.items, items) if ordinals else part.items,
        ledger=_rewritten_or_same(data, part.ledger, ledger),
        count=part.count,
        weight=part.weight,
        first_ordinal=part.first_ordinal,
        outputs=tuple(output for output in part.outputs if output.key not in files),
        lineage=lineage,
    )


def _rewritten_or_same(data: DataSet, file: Object | None, redact: Redact) -> Object | None:
    return file and (rewritten(data, file, redact) or file)


def _token(what: AffectedDataSet, segment: int, shard: int) -> anonymous.Token:
    return anonymous.ledger_token(what.upstreams, "" if what.upstreams else what.key, segment, shard)


def _redact_shard(
    data: DataSet, what: AffectedDataSet, segment: Segment, shard: int, affected: AffectedPart, names: Names
) -> None:
    """Rewrite the records of a shard that the segment does not name: its outcomes, checkpoints and commit."""
    paths = data.paths(segment.segment)
    made = {row: parse_ranges(ordinals) for row, ordinals in affected.made.items()}
    rows = set(parse_ranges(affected.inputs))
    token = _token(what, segment.segment, shard)
    if _are_outcomes(data, paths.outcomes(shard)):
        redact = anonymous.outcomes(token, rows, made, what.key, names)
        rewrite(data.store, paths.outcomes(shard), redact, data.scratch)
    for stat in data.store.list(paths.checkpoints(shard), follow_links=False):
        if paths.is_checkpoint(stat.key) and _are_outcomes(data, stat.key):
            rewrite(data.store, stat.key, anonymous.checkpoint(set(what.keys)), data.scratch)
    commit = load(data.store, paths.shard(shard), ShardCommit)
    if commit:
        part = segment.parts[shard]
        assert part.ledger is not None
        named = commit.replace(
            items=part.items, ledger=part.ledger, lineage=part.lineage, outputs=part.outputs, signatures=None
        )
        if named != commit:
            replace_record(data.store, paths.shard(shard), commit, named)


def _are_outcomes(data: DataSet, key: str) -> bool:
    """Whether each line of an object is the outcome of an item. Other objects are kept."""
    try:
        with rows_file(data.store, key, "", data.scratch) as path:
            return all(True for _ in read_settled(path))
    except (NotFound, StoreDamaged):
        return False


def _delete_others(data: DataSet, segment: Segment, shards: Collection[int], *, proven: Collection[str]) -> None:
    """Delete files of rows that the segment does not name: its previous ones, and others of these shards.

    An interrupted call may also have left files of other shards that the segment named until then. In a folder, files
    that reelmill did not write are deleted only if they are `proven`: the segment has named them.
    """
    paths = data.paths(segment.segment)
    kept = set(_row_file_keys(segment))
    prefix = f"{data.root}/"
    for folder in _ROWS:
        for stat in data.store.list(f"{paths.internal}/{folder}/", follow_links=False):
            number = stat.key.rpartition("/")[2].partition("-")[0]
            is_rows = record_names.is_rows(stat.key.removeprefix(prefix))
            is_of_shard = folder in _OF_SEGMENT or (number.isdecimal() and int(number) in shards)
            if is_rows and stat.key not in kept and ((is_of_shard and not stat.foreign) or stat.key in proven):
                data.store.delete(stat.key)
    _forget_verdicts(data.store, paths, shards)


def _row_file_keys(segment: Segment) -> Iterator[str]:
    for file in (
        segment.list_rows,
        *(each for part in segment.parts for each in (part.items, part.ledger, part.lineage)),
    ):
        if file:
            yield file.key


def _forget_verdicts(store: Store, paths: SegmentPaths, shards: Collection[int]) -> None:
    """Remove the files of these shards from the record of verdicts: the rows in the segment include the verdicts."""
    verdicts = load(store, paths.verdicts_json, Verdicts)
    if verdicts and not verdicts.rows.keys().isdisjoint(shards):
        left = {shard: file for shard, file in verdicts.rows.items() if shard not in shards}
        replace_record(store, paths.verdicts_json, verdicts, verdicts.replace(rows=left))
