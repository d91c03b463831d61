"""`reelmill repair` builds damaged indexes of kept inputs again, with the committed bytes, or says why it cannot."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.commands.result_rows import RepairResult
from reelmill.contract.digest import sha256
from reelmill.contract.task import Step
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.commands.integrity.repair import repair

pytestmark = pytest.mark.store  # no server, but seconds


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """A first pass of two shards and ten of one input each, whose indexes are merged again and again."""
    line = toy.Line(tmp_path_factory.mktemp("grown"), shard_count=2)
    line.stage("kept", "Near", within=2)
    line.stages[0] = line.stages[0].replace(type="toy_decisions:Near")
    for key, number in {"a": 10, "b": 11, "c": 13, "d": 50}.items():
        line.put(key, f"{number}\n")
    line.go()
    for turn in range(10):
        line.put(f"v{turn:02d}", f"{17 * turn % 61}\n")
        line.go()
    return line


@pytest.fixture
def line(grown: toy.Line, tmp_path: Path) -> toy.Line:
    shutil.copytree(grown.root, tmp_path / "line")
    return toy.Line(tmp_path / "line", stages=list(grown.stages), rows=list(grown.rows), run=grown.run, shard_count=2)


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def repaired(line: toy.Line) -> RepairResult:
    return repair(line.task(Step.SURVEY), os.environ, timeouts={"kept": 60}, now=1_800_000_000)


@pytest.mark.parametrize("change", [flip, Path.unlink])
def test_008_f11_every_file_of_every_index_gets_its_bytes_back(line: toy.Line, change: Callable[[Path], None]) -> None:
    files = sorted((line.root / "store").glob("kept/*/*/_reelmill/kept/*.bin"))
    content = [path.read_bytes() for path in files]
    assert len(files) > 12
    for path in files:
        change(path)
    done = repaired(line)
    assert {row.key.rpartition("/")[2] for row in done.rows} == {path.name for path in files}
    assert [row.why for row in done.rows if not row.repaired] == []
    assert [path.read_bytes() for path in files] == content
    assert bool(done.trash) is (change is flip)
    assert integrity(line.task(Step.SURVEY), os.environ).damage == []
    line.put("new", "11\n")
    line.go()
    assert "new" not in [item.key for item in line.data("kept").items()]


@pytest.mark.parametrize("name", ["signatures/*.jsonl", "verdicts/*.jsonl", "verdicts.json", "shards/00000.json"])
def test_008_f11_an_index_whose_records_are_damaged_too_is_left_and_it_is_said_why(line: toy.Line, name: str) -> None:
    (bucket,) = (line.root / "store").glob("kept/*/0001/_reelmill/kept/bucket-*.bin")
    flip(bucket)
    damaged = bucket.read_bytes()
    records = sorted((line.root / "store").glob(f"kept/*/0001/_reelmill/{name}"))
    assert records
    for record in records:
        record.unlink()
    row = next(row for row in repaired(line).rows if row.key.endswith(bucket.name))
    assert not row.repaired
    assert "cannot be read" in row.why
    assert bucket.read_bytes() == damaged


def test_008_f11_other_bytes_are_never_put_in_place(line: toy.Line) -> None:
    (block,) = (line.root / "store").glob("kept/*/0001/_reelmill/kept/block-*.bin")
    flip(block)
    for commit in sorted((line.root / "store").glob("kept/*/0001/_reelmill/shards/*.json")):
        record = json.loads(commit.read_bytes())
        signatures = line.root / "store" / record["signatures"]["key"]
        rows = [json.loads(row) for row in signatures.read_bytes().splitlines()]
        data = b"".join(json.dumps({**row, "key": f"{row['key']}x"}).encode() + b"\n" for row in rows)
        signatures.write_bytes(data)
        record["signatures"] |= {"size": len(data), "digest": sha256(data)}
        commit.write_text(json.dumps(record))
    (row,) = [row for row in repaired(line).rows if row.key.endswith(block.name)]
    assert (row.repaired, "other bytes" in row.why) == (False, True)
