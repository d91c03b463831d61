"""Removal of forgotten inputs from an index of kept signatures, so that later inputs are not compared with them."""

import secrets
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from reelmill.contract.records.segment import KeptIndex, Object, Segment, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.decide import blocks, postings
from reelmill_stages.runtime.decide.checked_postings import checked
from reelmill_stages.runtime.decide.postings import Postings
from reelmill_stages.runtime.decide.stored_index import StoredIndex
from reelmill_stages.runtime.forget.segments import replace_record
from reelmill_stages.stage import Signed
from reelmill_stages.store.digests import file_digest


def redact_kept(data: DataSet, keys: Collection[str]) -> None:
    """Remove inputs with these keys from the indexes of all segments."""
    for segment in data.segments():
        if segment.kept:
            index = StoredIndex(data, segment.kept)
            gone = {number for number in range(len(index)) if index.row(number).key in keys}
            kept = _index_without(data, segment, segment.kept, index, gone) if gone else segment.kept
            if gone:
                replace_record(
                    data.store, data.paths(segment.segment).segment_json, segment, segment.replace(kept=kept)
                )
            _update_verdicts(data, segment, kept)


def _update_verdicts(data: DataSet, segment: Segment, kept: KeptIndex) -> None:
    """Make the record of verdicts name the same index, and delete objects that are no longer named."""
    paths = data.paths(segment.segment)
    verdicts = load(data.store, paths.verdicts_json, Verdicts)
    if verdicts is None or verdicts.kept == kept:
        return
    replace_record(data.store, paths.verdicts_json, verdicts, verdicts.replace(kept=kept))
    named = {file.key for file in kept.files}
    for file in verdicts.kept.files:
        if file.key not in named and file.key.startswith(f"{paths.internal}/kept/"):
            data.store.delete(file.key)


def _index_without(data: DataSet, segment: Segment, record: KeptIndex, index: StoredIndex, gone: set[int]) -> KeptIndex:
    paths, run = data.paths(segment.segment), f"0-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix="kept-", dir=data.scratch))
    numbers = np.array(sorted(gone))
    buckets: list[Object | None] = []
    for number, (bucket, named) in enumerate(zip(index.buckets(), record.buckets, strict=True)):
        stays = ~np.isin(bucket.numbers, numbers)
        if stays.all():
            buckets.append(named)
            continue
        left = Postings(bucket.terms[stays], bucket.numbers[stays])
        file = folder / f"{number}.bin"
        postings.write(file, iter([checked(left, number) if record.checked else left]), len(left))
        buckets.append(_upload(data, paths.kept_bucket(number, run), file) if len(left) else None)
    found: list[Object] = []
    for number, named in enumerate(record.blocks):
        first = number * record.block_size
        inside = range(first, min(first + record.block_size, record.count))
        if gone.isdisjoint(inside):
            found.append(named)
            continue
        file = folder / "block.bin"
        file.write_bytes(blocks.block(list(_rows(index, inside, gone)), first, sums=record.checked))
        found.append(_upload(data, paths.kept_block(number, run), file))
    return record.replace(buckets=tuple(buckets), blocks=tuple(found), sums=())


def _rows(index: StoredIndex, numbers: range, gone: Collection[int]) -> Iterator[Signed]:
    for number in numbers:
        yield Signed(f"forgotten-{number}", b"") if number in gone else index.row(number)


def _upload(data: DataSet, key: str, file: Path) -> Object:
    found = Object(key=key, size=file.stat().st_size, digest=file_digest(file))
    data.store.write(key, file, create=True)
    return found
