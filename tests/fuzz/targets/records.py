"""Targets for reelmill's records in a store, rows and reports: damaged ones are rejected by name."""

import base64
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fuzz.targets.scratch import scratch
from reelmill.contract.compact_report import unpacked
from reelmill.contract.errors import StoreDamaged
from reelmill.contract.model import Model
from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.records.claim import Claim, Identity
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.rows import Item, LedgerRow
from reelmill.contract.records.segment import Pass, Segment, ShardCommit, StageRecord
from reelmill.contract.records.usage import UsageRecord
from reelmill.contract.task import SurveyReport
from reelmill_stages.records.crash_suspects import CrashSuspects
from reelmill_stages.records.drift import DriftRecord
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.lineage.assembled_from import AssembledFrom
from reelmill_stages.records.pins import Pin
from reelmill_stages.records.record_files import dump, parse
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.row_files import read_file
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.line_readers import LineReader, ledger_row, of_objects
from reelmill_stages.runtime.shards.outcomes import SettledInputFiles, read_settled

SHARDS = 100_000
"""Maximum number of shards of a pass."""
MODELS: tuple[type[Model], ...] = (
    Segment, Pass, ShardCommit, StageRecord, Claim, Identity, Runner, LatestKey, Pin, DriftRecord, CrashSuspects,
    UsageRecord,
)  # fmt: skip
READERS: tuple[tuple[Any, Callable[[], LineReader[Any]]], ...] = (
    (Item, item_reader),
    (LedgerRow, lambda: ledger_row),
    (RetriedRow, lambda: of_objects(RetriedRow.from_json)),
    (AssembledFrom, lambda: of_objects(AssembledFrom.from_json)),
)


def record(data: bytes) -> None:
    """A record of each kind. Accepted records are equal after writing and reading them again."""
    for model in MODELS:
        with suppress(StoreDamaged):
            found = parse(data, "store/record.json", model)
            assert parse(dump(found), "store/record.json", model) == found


def rows(data: bytes) -> None:
    """Item, ledger and retry rows."""
    path = scratch.file(data, "rows.jsonl")
    for kind, read in READERS:
        with suppress(StoreDamaged):
            for row in read_file(path, "store/rows.jsonl", read()):
                written = row.to_json()
                assert repr(kind.from_json(written).to_json()) == repr(written)


def outcomes(data: bytes) -> None:
    """Outcomes in checkpoints and frozen outcomes."""
    path = scratch.file(data, "outcomes.jsonl")
    found = SettledInputFiles()
    with suppress(StoreDamaged):
        found.add(path, "store/outcomes.jsonl")
        for settled in read_settled(path, "store/outcomes.jsonl"):
            assert found.get(*settled.input) is not None


def ranges(data: bytes) -> None:
    """Ranges of shards."""
    with suppress(ValueError):
        numbers = parse_ranges(data.decode())
        if len(numbers) <= SHARDS:  # the comparison of more takes longer than the parser
            assert sorted(set(numbers)) == parse_ranges(format_ranges(numbers))


def report(data: bytes) -> None:
    """The compact report of a survey, also with what it packs in the place of the bytes."""
    for packed in (data, base64.b85encode(zlib.compress(data))):
        with suppress(ValueError):
            unpacked(SurveyReport(packed=packed.decode()), ["raw"], {"clips": ["raw"]})
