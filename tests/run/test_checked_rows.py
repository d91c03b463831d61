"""`reelmill check --stage` of stages that pass items on: what they wrote is judged by the rows of what they read."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import footage
from cli.terminal import reelmill

pytestmark = pytest.mark.store  # needs no server, but each test runs a pipeline

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: checked}
spec:
  store: {uri: FOLDER/store}
  sources:
  - name: raw
    files: {uri: FOLDER/videos/}
  stages:
  - name: measured
    measure: {frames: {count: 2}, motion: false}
  - name: keep
    filter:
      rules: [{name: short, field: measures.duration, min: 0.3}]
  - name: distinct
    dedup: {by: exact}
"""
Row = dict[str, Any]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three videos, one of which is too short, and a copy."""
    folder = tmp_path_factory.mktemp("checked")
    (folder / "videos").mkdir()
    for name, seconds in {"a": 0.4, "b": 0.8, "copy": 0.4, "short": 0.2}.items():
        shutil.copy(footage.video(seconds=seconds), folder / f"videos/{name}.mp4")
    (folder / "pipeline.yaml").write_text(PIPELINE.replace("FOLDER", str(folder)))
    said = reelmill("run", folder / "pipeline.yaml", "-q")
    assert said.code == 0, said.err
    return folder


@pytest.fixture
def path(done: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed; its sources stay."""
    shutil.copytree(done / "store", tmp_path / "store")
    file = tmp_path / "pipeline.yaml"
    file.write_text((done / "pipeline.yaml").read_text().replace(f"{done}/store", f"{tmp_path}/store"))
    return file


def findings(path: Path, stage: str) -> dict[str, list[str]]:
    """Rule -> messages of what breaks it; the exit code says whether there are any."""
    said = reelmill("check", path, "--stage", stage, "-o", "json")
    rows = [row for row in json.loads(said.out) if row["rule"] != "counted"]
    broken: dict[str, list[str]] = {}
    for row in rows:
        assert row["format"] == "rows"
        if not row["ok"]:
            broken.setdefault(row["rule"], []).append(row["message"])
    assert said.code == (65 if broken else 0), said.err
    return broken


def root(path: Path, stage: str) -> Path:
    (found,) = (path.parent / "store" / stage).glob("*/0001")
    return found


def rewritten(path: Path, stage: str, kind: str, change: Callable[[list[Row]], list[Row]]) -> None:
    """Write the rows of a stage anew, with the digest that their segment names."""
    segment = root(path, stage) / "_reelmill/segment.json"
    record = json.loads(segment.read_bytes())
    (part,) = record["parts"]
    file = path.parent / "store" / part[kind]["key"]
    rows = change([json.loads(line) for line in file.read_bytes().splitlines()])
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    file.write_bytes(data)
    part[kind] |= {"size": len(data), "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    segment.write_text(json.dumps(record))


@pytest.mark.parametrize("stage", ["measured", "keep", "distinct"])
def test_006_f12_nothing_is_wrong_with_what_a_run_wrote(done: Path, stage: str) -> None:
    said = reelmill("check", done / "pipeline.yaml", "--stage", stage, "--all", "-o", "json")
    assert said.code == 0, said.err
    rules = {row["rule"]: row for row in json.loads(said.out)}
    assert {"inputs", "items", "fields", "media", "verdicts"} <= set(rules)
    assert all(row["ok"] for row in rules.values())
    assert "no known format" not in said.err


def test_nothing_is_wrong_with_what_forgetting_an_item_left(path: Path) -> None:
    assert reelmill("forget", path, "b.mp4", "--yes").code == 0
    for stage in ("measured", "keep", "distinct"):
        assert findings(path, stage) == {}


def test_006_f12_an_input_without_a_row_and_a_row_without_an_input_are_found(path: Path) -> None:
    rewritten(path, "keep", "ledger", lambda rows: [{**rows[0], "key": "nobody"}, *rows[1:]])
    found = findings(path, "keep")
    assert any("'a.mp4' is an input without a row" in message for message in found["inputs"])
    assert any(
        "'nobody' has a row in the ledger but is not an item of measured" in message for message in found["inputs"]
    )


def test_a_done_input_whose_item_is_missing_is_found(path: Path) -> None:
    rewritten(path, "measured", "items", lambda rows: rows[1:])
    assert findings(path, "measured")["items"] == ["the input 'a.mp4' is done, but no item was passed on for it"]


def test_a_field_that_no_block_declares_is_found(path: Path) -> None:
    rewritten(path, "measured", "items", lambda rows: [{**row, "measures": {"charm": 1}} for row in rows])
    assert findings(path, "measured") == {"fields": ["'a.mp4' has the field 'measures.charm', which no block declares"]}


def test_a_file_that_was_never_committed_is_found(path: Path) -> None:
    def move_media(rows: list[Row]) -> list[Row]:
        return [{**rows[0], "media": {**rows[0]["media"], "uri": "/elsewhere.mp4"}}, *rows[1:]]

    rewritten(path, "distinct", "items", move_media)
    (message,) = findings(path, "distinct")["media"]
    assert "/elsewhere.mp4" in message
    assert "no source lists" in message


def test_006_f12_a_verdict_that_the_ledger_does_not_have_is_found(path: Path) -> None:
    def mark_done(rows: list[Row]) -> list[Row]:
        return [{**row, "outcome": "done", "reason": "", "message": ""} for row in rows]

    rewritten(path, "distinct", "ledger", mark_done)
    found = findings(path, "distinct")
    assert any("'copy.mp4' is filtered here" in message for message in found["verdicts"])
    assert found["items"] == ["the input 'copy.mp4' is done, but no item was passed on for it"]


def test_a_record_of_verdicts_that_was_changed_is_found(path: Path) -> None:
    record = root(path, "distinct") / "_reelmill/verdicts.json"
    found = json.loads(record.read_bytes())
    record.write_text(json.dumps({**found, "kept": {**found["kept"], "count": 7}}))
    assert "another index of kept inputs" in findings(path, "distinct")["verdicts"][0]
    record.unlink()
    assert findings(path, "distinct") == {"verdicts": ["the record of the verdicts is missing"]}


def test_rows_that_cannot_be_read_are_one_finding(path: Path) -> None:
    (part,) = json.loads((root(path, "keep") / "_reelmill/segment.json").read_bytes())["parts"]
    (path.parent / "store" / part["items"]["key"]).write_text("{}")
    found = findings(path, "keep")
    assert set(found) == {"items", "fields", "media"}
    assert all("check --deep" in message for (message,) in found.values())
