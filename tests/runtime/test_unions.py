"""A stage with several upstreams takes all their items, told apart by the upstream's name."""

import json
from pathlib import Path

import toy_line as toy

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Pass, ShardPlan, Slice
from reelmill.contract.task import Upstream
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.store.local.store import LocalStore


def test_a_union_takes_all_items_and_keeps_their_keys_apart(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, source_names=("raw", "more"))
    line.put("a", "from raw", source="raw", group="video")
    line.put("b", "from raw too", source="raw")
    line.put("a", "from more", source="more", group="video")
    flag = tmp_path / "flag"
    flag.touch()
    line.put("c", f"fail-if {flag} odd\nlate", source="more")
    both = line.stage("both", "Upper", "raw", "more")
    line.go()
    data = line.data("both")
    toy.law(data)
    assert toy.outcomes(data) == {
        "raw/a": ("done", ""),
        "raw/b": ("done", ""),
        "more/a": ("done", ""),
        "more/c": ("failed", "odd"),
    }
    assert toy.contents(data)["more/a"] == "FROM MORE"
    assert [item.group for item in data.items()] == ["video", "b", "video"]
    assert data.coverage == {"raw": 1, "more": 1}
    flag.unlink()
    line.run_pass(both, kind="retry")
    toy.law(line.data("both"))
    assert toy.outcomes(line.data("both"))["more/c"] == ("done", "")


def test_upstreams_are_covered_each_at_its_own_pace(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, source_names=("raw", "more"))
    line.put("a", source="raw")
    line.put("b", source="more")
    line.stage("both", "Upper", "raw", "more")
    line.go()
    line.put("c", source="more")
    line.go()
    data = line.data("both")
    assert data.coverage == {"raw": 1, "more": 2}
    opened = load(line.store, data.paths(2).pass_json, Pass)
    assert opened is not None
    assert (opened.covers, opened.in_, opened.first_ordinal) == ({"more": (2, 2)}, 1, 2)


def test_items_of_one_name_get_different_names_and_the_first_upstreams_stay(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    names = {"a": "", "b": "0001", "c": None}
    slices = []
    for upstream, name in names.items():
        rows = [Item(f"{n:04d}.mp4", 0, "g", 1.0, fields=_fields(upstream, n, name)).to_json() for n in (1, 2)]
        store.write(f"{upstream}.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
        slices.append(Slice(upstream=upstream, rows=f"{upstream}.jsonl", first=0, count=2, ordinal=0))

    def read(*upstreams: str) -> dict[str, object]:
        plan = Pass(
            stage="s", key="0" * 64, segment=1, kind="cover", in_=6, first_ordinal=0, definition={},
            shards=(ShardPlan(slices=tuple(s for s in slices if s.upstream in upstreams), count=6, weight=1.0),),
            runner=Runner(uid="u", name="n", run=1),
        )  # fmt: skip
        given = [Upstream(name=upstream, key="0" * 64) for upstream in upstreams]
        return {
            one.key: one.input.item.fields.get("name")
            for one in shard_inputs(store, plan, 0, tmp_path, upstreams=given)
        }

    assert read("a") == {"0001.mp4": "0001", "0002.mp4": "0002"}
    both = read("a", "b")
    assert [both["a/0001.mp4"], both["a/0002.mp4"]] == ["0001", "0002"]
    three = read("a", "b", "c")
    assert three.items() >= both.items()  # another upstream changes no name
    assert len({str(name).casefold() for name in three.values()}) == 6
    assert all(str(name).startswith("000") for name in three.values())


def _fields(upstream: str, number: int, name: str | None) -> dict[str, str]:
    return {"vid": f"{number:04d}"} | ({} if name is None else {"name": f"{number:04d}"})


def test_two_cameras_with_files_of_the_same_names_are_both_cut(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, source_names=("a", "b"))
    for camera in ("a", "b"):
        for number in range(3):
            line.put(f"000{number}", f"from {camera}", source=camera)
    line.stage("both", "Upper", "a", "b")
    line.go()
    assert {outcome for outcome, _ in toy.outcomes(line.data("both")).values()} == {"done"}
