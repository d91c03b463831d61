"""Files that span items: the same however the pass is cut, payload gone as soon as it is used, committed as a whole."""

from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.errors import ExitCode, SpecError
from reelmill.contract.records.segment import Segment, ShardCommit
from reelmill_stages.records.record_files import load

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


def joined(root: Path, shards: int) -> toy.Line:
    line = toy.Line(root, shard_count=shards)
    for number in range(13):
        line.put(f"v{number:02d}", "fail broken" if number == 3 else f"text {number}")
    line.stage("join", "Join", per_file=5)
    line.go()
    return line


def test_assembled_files_do_not_depend_on_the_number_of_shards(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "three").mkdir()
    one, three = joined(tmp_path / "one", 1), joined(tmp_path / "three", 3)
    assert toy.contents(one.data("join")) == toy.contents(three.data("join"))
    assert toy.contents(three.data("join"))["join-00000.txt"] == "text 0\ntext 1\ntext 2\ntext 4"
    for line in (one, three):
        data = line.data("join")
        toy.law(data)
        assert data.totals.model_dump(by_alias=True) == {"in": 13, "done": 12, "filtered": 0, "failed": 1, "skipped": 0}
        assert data.last is not None
        assert data.last.counters == {"joined": 12}


def test_a_shards_commit_names_assembled_files(tmp_path: Path) -> None:
    line = joined(tmp_path, 1)
    data = line.data("join")
    commit = load(line.store, data.paths(1).shard(0), ShardCommit)
    assert commit is not None
    names = [file.key.rpartition("/")[2] for file in commit.outputs]
    assert names == [f"join-{first:05d}.txt" for first in (0, 5, 10)]
    assert sorted(file.key for file in data.files()) == sorted(file.key for file in commit.outputs)
    (item, *_) = data.items()
    assert item.media is not None
    assert (item.media.uri, item.outputs[0].digest) == (commit.outputs[0].key, commit.outputs[0].digest)
    assert commit.bytes == sum(file.size for file in commit.outputs)
    segment = load(line.store, data.paths(1).segment_json, Segment)
    assert segment is not None
    assert segment.bytes == commit.bytes


def test_payload_is_gone_once_its_file_is_taken(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(40):
        line.put(f"v{number:02d}")
    line.stage("join", "Watching", per_file=2, trace=str(tmp_path / "left"))
    line.go()
    left = [int(text) for text in (tmp_path / "left").read_text().split()]
    assert len(left) == 20
    # One worker with a window of 8 groups: never more payload than the window and what is being joined.
    assert max(left) <= 8 + 3


def test_a_stage_that_stops_reading_early_is_still_accounted_for(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(4):
        line.put(f"v{number}")
    line.stage("join", "Lazy")
    line.go()
    toy.law(line.data("join"))
    assert line.data("join").totals.done == 4
    assert list(line.data("join").items()) == []


def named(root: Path, *names: str, stage: str = "Named") -> toy.Line:
    line = toy.Line(root)
    for number, name in enumerate(names):
        line.put(f"v{number}", name)
    line.stage("join", stage)
    line.go()
    return line


@pytest.mark.parametrize("name", ["n" * 300, "../a.txt", "/a.txt", "a//b.txt", "a\tb.txt", "folder/"])
def test_a_name_that_no_store_can_hold_fails_the_inputs_of_its_file(tmp_path: Path, name: str) -> None:
    line = named(tmp_path, "a.txt", name, "b.txt")
    data = line.data("join")
    toy.law(data)
    assert {row.key: (row.outcome.value, row.reason) for row in data.ledger()} == {
        "v0": ("done", ""), "v1": ("failed", "bad_name"), "v2": ("done", "")
    }  # fmt: skip
    assert toy.contents(data) == {"v0": "a.txt", "v2": "b.txt"}
    assert data.last is not None
    assert data.last.counters == {"joined": 2, "named": 2}


def test_no_file_of_inputs_is_kept_if_a_later_one_has_a_name_that_no_store_can_hold(tmp_path: Path) -> None:
    line = named(tmp_path, "a.txt", "b" * 150, "/c.txt", "d.txt", stage="NamedTwice")
    data = line.data("join")
    toy.law(data)
    assert toy.outcomes(data) == {
        "v0": ("done", ""), "v1": ("failed", "bad_name"), "v2": ("failed", "bad_name"), "v3": ("done", "")
    }  # fmt: skip
    assert toy.contents(data) == {"v0": "a.txt", "v3": "d.txt"}
    assert [file.key.rpartition("/")[2] for file in data.files()] == ["a.txt", "a.txta.txt", "d.txt", "d.txtd.txt"]
    assert data.last is not None
    assert data.last.counters == {"joined": 2, "named": 2, "second": 2}


def test_a_name_that_assemble_gives_twice_is_refused_as_a_mistake_of_the_stage(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"a\.txt: the stage gives two files of a shard this name"):
        named(tmp_path, "a.txt", "a.txt")


def test_a_name_that_two_shards_give_is_refused_as_a_mistake_of_the_stage(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, shard_count=2)
    for number in range(2):
        line.put(f"v{number}", "same.txt")
    line.stage("join", "Named")
    with pytest.raises(
        SpecError, match=r"same\.txt: shard 1 cannot write this file: .* belongs to something else"
    ) as error:
        line.go()
    assert error.value.exit_code == ExitCode.CONFIG
