"""A source that points into a data set of reelmill reads what was committed, never what merely lies there."""

import json
from pathlib import Path
from typing import Literal

import pytest

from reelmill.contract.digest import sha256
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, Output
from reelmill.contract.records.segment import Counts, Object, Part, Pass, Segment
from reelmill_stages.registry import source
from source_folders import bucket, items, listed, put, put_json, reasons

KEY = "0123456789" * 6 + "abcd"
CLIPS = DataSetPaths("clips", KEY)


def segment(
    root: Path,
    number: int,
    *names: str,
    spans: tuple[str, ...] = (),
    state: Literal["committed", "abandoned"] = "committed",
    data_set: DataSetPaths = CLIPS,
) -> None:
    """A closed segment whose items have these outputs; `spans` are files that span items."""
    paths = data_set.segment(number)
    put(root, *(paths.output(name) for name in names + spans))
    rows = [Item(name, 0, name, 1.0, outputs=(Output(paths.output(name), 5, "sha256:0"),)).to_json() for name in names]
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    put(root, paths.items(0, "r1"), content=content)
    part = Part(
        items=Object(key=paths.items(0, "r1"), size=len(content), digest=sha256(content)),
        ledger=None,
        count=len(names),
        weight=1.0,
        first_ordinal=0,
        outputs=tuple(Object(key=paths.output(name), size=5, digest="sha256:0") for name in spans),
    )
    record = Segment(
        state=state, stage=data_set.name, key=data_set.key, segment=number, kind="cover", counts=Counts(),
        totals=Counts(), items=len(names), next_ordinal=9, parts=(part,),
    )  # fmt: skip
    put(root, paths.segment_json, content=record.model_dump_json(by_alias=True).encode())


def opened(number: int) -> bytes:
    """The plan of a pass that goes on."""
    plan = Pass(
        stage=CLIPS.name, key=CLIPS.key, segment=number, kind="cover", in_=0, first_ordinal=0, shards=(),
        definition={}, runner=Runner(uid="u", name="n", run=1),
    )  # fmt: skip
    return plan.model_dump_json(by_alias=True).encode()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    segment(tmp_path, 1, "clips/a_0_1.mp4", "clips/b_0_1.mp4")
    segment(tmp_path, 2, "clips/c_0_1.mp4", state="abandoned")
    segment(tmp_path, 3, "clips/d_0_1.mp4", spans=("shard-0.tar",))
    put(tmp_path, CLIPS.segment(3).output("clips/left_by_a_lost_pod.mp4"))
    put(tmp_path, CLIPS.segment(4).output("clips/running.mp4"))
    put(tmp_path, CLIPS.segment(4).pass_json, content=opened(4))
    put(tmp_path, CLIPS.view("preview.mp4"), CLIPS.stage_json, CLIPS.user("uid"))
    return put(tmp_path, "beside/e.mp4")


COMMITTED = ["a_0_1", "b_0_1", "d_0_1"]


@pytest.mark.parametrize("below", ["", "clips", f"clips/{KEY[:10]}"])
def test_no_uncommitted_file_is_ever_listed(store: Path, below: str) -> None:
    found = listed("files", uri=store / below)
    assert sorted(item.fields["vid"] for item in found) == COMMITTED + ([] if below else ["e"])


@pytest.mark.parametrize(
    ("below", "there"),
    [("0001/clips", ["a_0_1", "b_0_1"]), ("0002", []), ("0003", ["d_0_1"]), ("0003/clips", ["d_0_1"]), ("0004", [])],
)
def test_a_folder_inside_a_segment_is_read_through_the_commit_above_it(
    store: Path, below: str, there: list[str]
) -> None:
    found = listed("files", uri=store / CLIPS.root / below)
    assert [item.fields["vid"] for item in found] == there


def test_files_that_span_items_count(store: Path) -> None:
    put(store, CLIPS.segment(3).output("shard-1.tar"))
    (tar,) = listed("tars", uri=store)
    assert tar.key.endswith("0003/shard-0.tar")


def test_pairs_find_committed_clips_only(store: Path) -> None:
    def pair(name: str) -> dict[str, object]:
        return {"vid": "v", "clip_path": name, "transcript": "x"}

    view = put_json(
        store / CLIPS.view("text_video_pairs.json"),
        [pair("0001/clips/a_0_1.mp4"), pair("0003/clips/d_0_1.mp4"), pair("0003/clips/left_by_a_lost_pod.mp4")],
    )
    found = listed("pairs", uri=view, clips=view.parent)
    assert reasons(found) == ["missing"]
    assert len(items(found)) == 2


def test_rows_that_point_into_a_data_set_find_committed_files_only(store: Path) -> None:
    names = ("0001/clips/a_0_1.mp4", "0003/clips/left_by_a_lost_pod.mp4", "0004/clips/running.mp4")
    rows = [{"path": str(store / CLIPS.root / name)} for name in names]
    found = listed("table", uri=put_json(store / "tables" / "t.json", rows))
    assert reasons(found) == ["missing", "missing"]


def test_of_several_keys_the_current_one_counts(store: Path) -> None:
    newer = DataSetPaths("clips", "f" * 64)
    segment(store, 1, "clips/new_0_1.mp4", data_set=newer)
    both = listed("files", uri=store / "clips")
    assert sorted(item.fields["vid"] for item in both) == [*COMMITTED, "new_0_1"]
    put_json(store / CLIPS.latest, {"key": newer.key})
    assert [item.fields["vid"] for item in listed("files", uri=store / "clips")] == ["new_0_1"]
    assert [item.fields["vid"] for item in listed("files", uri=store / CLIPS.root)] == COMMITTED


def test_a_data_set_that_was_moved_is_one_failed_row_for_each_segment_and_stays_hidden(tmp_path: Path) -> None:
    segment(tmp_path, 1, "clips/a.mp4")
    (tmp_path / "clips").rename(tmp_path / "renamed")
    put(tmp_path, "beside.mp4")
    good, bad = listed("files", uri=tmp_path)
    assert good.key == "beside.mp4"
    assert bad.problem
    assert bad.problem[0] == "bad_record"
    assert "moved or renamed; it belongs at <store>/clips/" in bad.problem[1]


@pytest.mark.parametrize("name", ["segment.json", "pass.json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b'{"state": "new"}', b"[" * 100_000, b"\xff\x00"])
def test_a_damaged_record_of_a_segment_is_one_failed_row_and_its_segment_stays_hidden(
    tmp_path: Path, name: str, damage: bytes
) -> None:
    record = f"{CLIPS.segment(1).internal}/{name}"
    put(tmp_path, record, content=damage)
    put(tmp_path, CLIPS.segment(1).output("clips/a.mp4"), "beside.mp4")
    good, bad = listed("files", uri=tmp_path)
    assert good.key == "beside.mp4"
    assert (bad.key, bad.problem and bad.problem[0]) == (record, "bad_record")


@pytest.mark.parametrize("rows", [b"[", b'{"outputs": [{}]}', b"7", None])
def test_damaged_rows_of_a_segment_are_one_failed_row_and_its_segment_stays_hidden(
    tmp_path: Path, rows: bytes | None
) -> None:
    segment(tmp_path, 1, "clips/a_0_1.mp4")
    segment(tmp_path, 2, "clips/b_0_1.mp4")
    path = tmp_path / CLIPS.segment(1).items(0, "r1")
    path.unlink() if rows is None else path.write_bytes(rows)
    good, bad = sorted(listed("files", uri=tmp_path), key=lambda row: row.problem is not None)
    assert good.fields["vid"] == "b_0_1"
    assert (bad.key, bad.problem and bad.problem[0]) == (CLIPS.segment(1).items(0, "r1"), "bad_record")


def test_a_record_of_where_the_rows_are_is_not_followed_out_of_its_segment(tmp_path: Path) -> None:
    segment(tmp_path / "store", 1, "clips/a_0_1.mp4")
    record = tmp_path / "store" / CLIPS.segment(1).segment_json
    record.write_text(record.read_text().replace(CLIPS.segment(1).items(0, "r1"), "../../etc/passwd"))
    (bad,) = listed("files", uri=tmp_path / "store")
    assert bad.problem
    assert bad.problem[0] == "bad_record"


def test_a_damaged_latest_json_is_one_failed_row_and_an_ambiguous_stage_stays_hidden(store: Path) -> None:
    put(store, CLIPS.latest, content=b"[[[")
    rows = listed("files", uri=store)
    assert sorted(row.fields["vid"] for row in items(rows)) == [*COMMITTED, "e"]
    assert [row.key for row in rows if row.problem] == [CLIPS.latest]
    segment(store, 1, "clips/new_0_1.mp4", data_set=DataSetPaths("clips", "f" * 64))
    assert [row.fields["vid"] for row in items(listed("files", uri=store))] == ["e"]


@pytest.mark.parametrize(
    "names",
    [
        ("_reelmill/anything",),
        ("sub/_reelmill/segment.json",),
        ("s/0123456789/_reelmill/z", "s/latest.json"),
        ("s/0123456789/_reelmill/stage.json",),
        ("s/0123456789/0001/_reelmill/anything",),
        ("_reelmill/store.json",),
    ],
)
def test_a_folder_that_is_only_called_like_one_of_reelmills_hides_nothing(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    put(tmp_path, "a.mp4", "sub/b.mp4", "s/0123456789/c.mp4", "s/0123456789/0001/d.mp4", "_reelmill/e.mp4")
    put(tmp_path, *names)
    one = bucket()
    adapter, block = source("files", {"uri": str(tmp_path)})
    rows = list(adapter(block, one, "raw"))
    assert reasons(rows) == []
    assert sorted(row.fields["vid"] for row in rows) == ["a", "b", "c", "d", "e"]
    assert one.hidden == {}


def test_files_beside_the_data_sets_of_a_store_are_listed_and_the_stores_own_records_are_not(store: Path) -> None:
    put_json(store / "_reelmill" / "store.json", {"version": 1, "conditional": True})
    put(store, "_reelmill/trash/1/x.mp4", "top.mp4")
    assert {row.fields["vid"] for row in listed("files", uri=store)} == {*COMMITTED, "e", "top"}


def test_what_is_hidden_is_counted(store: Path) -> None:
    one = bucket()
    adapter, block = source("files", {"uri": str(store)})
    list(adapter(block, one, "raw"))
    assert one.hidden == {f"{store}/": 4}  # of an abandoned, a lost and a running pass, and a view


def test_numbered_folders_that_reelmill_did_not_write_are_plain_folders(tmp_path: Path) -> None:
    put(tmp_path, "0123456789/0001/a.mp4")
    assert len(listed("files", uri=tmp_path)) == 1
    assert len(listed("files", uri=tmp_path / "0123456789" / "0001")) == 1
