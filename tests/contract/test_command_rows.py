"""Rows of the commands as JSON: the documented names, in order, and numbers as they were given."""

import json

import pytest
from pydantic import ValidationError

from reelmill.contract.commands.result_rows import (
    CommandRow,
    FindingRow,
    FormerKey,
    LedgerCount,
    LogLine,
    OpenPassRow,
    ReplayedFile,
    ReplayResult,
    StageLedgerRow,
    StatusRow,
)
from reelmill.contract.records.rows import LedgerRow, Outcome

OPEN = OpenPassRow(segment=2, shards=8, committed=3, by="demo", seconds_ago=None)
ROWS: dict[str, CommandRow] = {
    '{"segment": 2, "shards": 8, "committed": 3, "by": "demo", "seconds_ago": null, "ended": false}': OPEN,
    '{"key": "ab", "definition": {"stage": "clip"}}': FormerKey(key="ab", definition={"stage": "clip"}),
    '{"stage": "clips", "outcome": "failed", "reason": "my_own", "items": 2, "counters": {}}': LedgerCount(
        stage="clips", outcome="failed", reason="my_own", items=2, counters={}
    ),
    '{"segment": 1, "shard": 0, "run": "7", "line": "done"}': LogLine(segment=1, shard=0, run="7", line="done"),
    '{"format": "tars", "file": "a.tar", "rule": "empty", "ok": false, "message": "no sample"}': FindingRow(
        format="tars", file="a.tar", rule="empty", ok=False, message="no sample"
    ),
    '{"stage": "clips", "item": "a", "folder": "/f", "outcome": "crash", "reason": "", "message": "", "files": []}': (
        ReplayResult(stage="clips", item="a", folder="/f", outcome="crash", reason="", message="", files=[])
    ),
    '{"name": "a.mp4", "size": 9, "compared": "same"}': ReplayedFile(name="a.mp4", size=9, compared="same"),
}


@pytest.mark.parametrize("text", ROWS)
def test_a_row_is_written_with_the_documented_names_in_order(text: str) -> None:
    assert json.dumps(ROWS[text].to_json()) == text


def test_a_status_row_says_in_and_pass_and_writes_whole_numbers_as_they_are() -> None:
    row = status_row(weight=0, pass_=OPEN)
    names = list(row.to_json())
    assert names[6:13] == ["items", "weight", "in", "done", "filtered", "failed", "skipped"]
    assert names[13:19] == ["reasons", "counters", "uncovered", "pass", "latest", "uri"]
    assert names[19:] == ["worker_seconds", "written", "flow", "usage", "bound", "listed"]
    assert json.dumps([row.to_json()["weight"], status_row(weight=0.0).to_json()["weight"]]) == "[0, 0.0]"


def test_a_ledger_row_with_its_stage_has_everything_that_the_ledger_has() -> None:
    row = LedgerRow("a", 3, Outcome.FAILED, "missing", "a.mp4 does not exist", 1.25, 2).to_json()
    assert StageLedgerRow(stage="clips", **row).to_json() == {"stage": "clips", **row}


def test_the_reasons_of_failed_items_are_distinguished_from_others() -> None:
    row = status_row(reasons={"failed:missing": 2, "filtered:too_short": 1, "failed:my_own": 1})
    assert row.failed_reasons() == {"missing", "my_own"}


@pytest.mark.parametrize("wrong", [{"kind": "stages"}, {"items": "many"}, {"itmes": 1}])
def test_a_row_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StatusRow.model_validate(status_row().to_json() | wrong)


def status_row(**fields: object) -> StatusRow:
    known: dict[str, object] = {
        "name": "clips",
        "kind": "stage",
        "type": "clip",
        "key": "ab",
        "state": "current",
        "segments": 1,
        "items": 2,
        "weight": 1.5,
        "in_": 3,
        "done": 2,
        "filtered": 0,
        "failed": 1,
        "skipped": 0,
        "reasons": {},
        "counters": {},
        "uncovered": {},
        "pass_": None,
        "latest": None,
        "uri": "/store/clips/ab",
    }
    return StatusRow.model_validate(known | fields)
