"""What verdicts leave in a store is read, checked, exported and deleted like the rest of it, also in a bucket."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_line as toy

from endurance.recount import Recount
from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.segment import Segment, ShardCommit
from reelmill.contract.task import Connection, Step, StoreRef
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.commands.prune import prune
from reelmill_stages.commands.replay import replay
from reelmill_stages.records.record_files import load
from servers.processes import Server
from servers.s3_servers import make_bucket

pytestmark = pytest.mark.store  # most tests need no server, but the seconds that this tier may take
NUMBERS = {"a": 10, "b": 11, "c": 13, "d": 50}
KEPT = ["a", "c", "d"]


def grown(line: toy.Line, numbers: dict[str, int]) -> toy.Line:
    if not line.stages:
        line.stage("kept", "Near", within=2)
        line.stages[0] = line.stages[0].replace(type="toy_decisions:Near")
    for key, number in numbers.items():
        line.put(key, f"{number}\n")
    line.go()
    return line


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    return grown(toy.Line(tmp_path_factory.mktemp("base"), shard_count=2), NUMBERS)


@pytest.fixture
def line(base: toy.Line, tmp_path: Path) -> toy.Line:
    shutil.copytree(base.root, tmp_path / "line")
    return toy.Line(tmp_path / "line", stages=list(base.stages), rows=list(base.rows), run=base.run, shard_count=2)


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize("change", [flip, Path.unlink])
@pytest.mark.parametrize("name", ["kept/bucket-*.bin", "kept/block-*.bin", "verdicts.json"])
def test_the_deep_check_finds_damage_in_the_index_and_in_the_verdicts(
    line: toy.Line, name: str, change: Callable[[Path], None]
) -> None:
    assert integrity(line.task(Step.SURVEY), os.environ).damage == []
    (path,) = (line.root / "store").glob(f"kept/*/0001/_reelmill/{name}")
    change(path)
    (found,) = integrity(line.task(Step.SURVEY), os.environ).damage
    assert found.key.endswith(path.name)


@pytest.mark.parametrize("name", ["bucket", "block"])
def test_a_pass_does_not_decide_by_a_damaged_index(line: toy.Line, name: str) -> None:
    (path,) = (line.root / "store").glob(f"kept/*/0001/_reelmill/kept/{name}-*.bin")
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    with pytest.raises(StoreDamaged, match=path.name):
        grown(line, {"e": 51})


def test_an_export_and_a_replay_honour_the_verdicts(line: toy.Line) -> None:
    task = line.task(Step.SURVEY)
    assert [item.key for item in line.data("kept").items()] == KEPT
    export(task, os.environ, "kept", line.root / "out", ExportMode.COPY)
    told = replay(task, os.environ, stage="kept", item="b", folder=line.root / "replayed", timeout=60)
    assert (told.outcome, told.reason, told.message) == ("filtered", "duplicate", "of a")
    assert replay(task, os.environ, stage="kept", item="c", folder=line.root / "c", timeout=60).outcome == "done"


def test_the_rows_of_a_shard_stay_and_the_segment_names_those_with_the_verdicts(line: toy.Line) -> None:
    data = line.data("kept")
    segment = load(line.store, data.paths(1).segment_json, Segment)
    assert segment is not None
    changed = 0
    for shard, part in enumerate(segment.parts):
        commit = load(line.store, data.paths(1).shard(shard), ShardCommit)
        assert commit is not None
        line.store.stat(commit.ledger.key)
        changed += commit.ledger != part.ledger
    assert changed == 1  # the shard without a duplicate is as it was


def test_a_former_definition_is_deleted_with_its_index_and_verdicts(line: toy.Line) -> None:
    former = line.data("kept").root
    line.stages.clear()
    line.stage("kept", "Upper")
    line.go()
    line.survey()
    found = prune(line.task(Step.SURVEY), os.environ, delete=True, now=time.time() + 3600)
    (row,) = found.rows
    assert (row.deleted, row.left) == (True, [])
    assert list(line.store.list(f"{former}/")) == []


def test_verdicts_in_a_bucket_are_those_in_a_folder(
    s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    ref = StoreRef(uri=f"s3://{make_bucket(s3_server)}/data", connection=Connection(endpoint=s3_server.endpoint))
    line = grown(toy.Line(tmp_path, ref=ref, shard_count=2), NUMBERS)
    grown(line, {"e": 12, "f": 52, "g": 90})
    rows = {row.key: (row.outcome.value, row.message) for row in line.data("kept").ledger()}
    assert rows == {
        "a": ("done", ""),
        "b": ("filtered", "of a"),
        "c": ("done", ""),
        "d": ("done", ""),
        "e": ("filtered", "of a"),
        "f": ("filtered", "of d"),
        "g": ("done", ""),
    }
    assert integrity(line.task(Step.SURVEY), os.environ).damage == []
    toy.law(line.data("kept"))


def test_code_that_shares_nothing_with_reelmill_counts_the_same(line: toy.Line) -> None:
    recount = Recount(line.root / "store", {"kept": "raw"})
    counted = recount.count(["raw", "kept"])["kept"]
    assert recount.problems == []
    assert sorted(counted.items) == KEPT
    assert counted.rows["b"] == ("filtered", "duplicate")
