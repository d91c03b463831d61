"""Targets for data sets with arbitrary records and rows, in a store and in folders of sources."""

from contextlib import suppress
from pathlib import Path

from fuzz.targets.scratch import Scratch, parts
from reelmill.contract.errors import SpecError, StoreError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Connection
from reelmill_stages.records.data_set import DataSet, open_data_set
from reelmill_stages.registry import source
from reelmill_stages.runtime.survey.previous_listing import PreviousListing
from reelmill_stages.sources.earlier_items import NOTHING
from reelmill_stages.sources.objects.bucket import SourceBucket
from reelmill_stages.store.open import open_store

_place = Scratch()
_names = DataSetPaths("clips", "0123456789abcdef")
_segment = _names.segment(1)
ITEMS, LEDGER = _segment.items(0, "1-00000000"), _segment.ledger(0, "1-00000000")


def data_set(data: bytes) -> None:
    """The items and the ledger of a data set, and the state that the next listing reads."""
    _write(data)
    store = open_store(str(_place.path))
    for read in (
        lambda data_set: list(data_set.items()),
        lambda data_set: list(data_set.ledger()),
        lambda data_set: list(data_set.files()),
        _known,
    ):
        with suppress(StoreError, SpecError):
            read(open_data_set(store, _names.name))


def foreign_data_set(data: bytes) -> None:
    """The same folder as a source of files."""
    _write(data)
    adapter, block = source("files", {"uri": str(_place.path), "include": ["**/*"]})
    with suppress(SpecError):
        list(adapter(block, SourceBucket.connected(Connection(), {}), "raw", NOTHING))


def _known(found: DataSet) -> None:
    with PreviousListing(found) as known:
        list(known.vanished())
        list(known.several())


def _write(data: bytes) -> None:
    segment, items, ledger, stage = parts(data, 4)
    for key, content in {
        _names.latest: b'{"key":"0123456789abcdef"}',
        _segment.segment_json: segment,
        ITEMS: items,
        LEDGER: ledger,
        _names.stage_json: stage,
    }.items():
        path = Path(_place.path / key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if content:
            path.write_bytes(content)
