"""Broken files and broken rows: one ledger row each, with a class and a message, and the run goes on."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from killing import workers
from workshop import CLIPS, Workshop, balanced, film

import footage

pytestmark = pytest.mark.store

LONG = "a" * 196 + ".mp4"
ODD_NAMES = ("with space.mp4", "日本語 ü.mp4", "down/the/path.mp4", "quote'\"&#?.mp4", LONG)
LOOKED = {"name": "looked", "from": ["films"], "clip": {"by": "length", "length": "1s", "mode": "virtual"}}
CUT = CLIPS | {"name": "cut", "from": ["rows"]}
SAMPLES = {
    "name": "samples",
    "from": ["cut", "looked"],
    "frames": {"layout": "npy", "count": 2, "width": 16, "height": 16},
}


def corpus(folder: Path) -> None:
    """Everything that a bucket of videos holds and that is none, or has an odd name."""
    whole = film().read_bytes()
    for name, data in {
        "empty.mp4": b"",
        "corrupt.mp4": os.urandom(4000),
        "truncated.mp4": whole[: len(whole) // 2],
    }.items():
        (folder / name).write_bytes(data)
    footage.ffmpeg("-f", "lavfi", "-i", "sine=duration=1", str(folder / "audio.mp4"))
    footage.ffmpeg("-i", str(film()), "-frames:v", "0", "-c", "copy", str(folder / "zero.mp4"))
    for name in ODD_NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(whole)
    os.mkfifo(folder / "hanging.mp4")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A run over all that is bad."""
    shop = Workshop(tmp_path_factory.mktemp("bad"))
    corpus(shop.videos)
    rows = [
        {"path": "with space.mp4", "text": "fine", "start": 0, "end": 1},
        {"path": "with space.mp4", "text": "fine", "start": 0, "end": 1},
        {"path": "with space.mp4", "text": "other words about the same", "start": 0, "end": 1},
        {"path": "with space.mp4", "text": "no span", "start": None, "end": 1},
        {"path": "with space.mp4", "text": "reversed", "start": 1, "end": 0.5},
        {"path": "with space.mp4", "text": 17, "start": 0, "end": 1.5},
        {"path": "with space.mp4", "text": "late", "start": 7, "end": 9},
        {"path": "nowhere.mp4", "text": "gone", "start": 0, "end": 1},
        {"path": "hanging.mp4", "text": "not a file", "start": 0, "end": 1},
        {"path": "日本語 ü.mp4", "text": "unicode", "start": 0, "end": 1},
        {"path": LONG, "text": "long", "start": 0, "end": 1},
        "not a row at all",
    ]
    (shop.folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    columns = {"path": "path", "text": "text", "start": "start", "end": "end"}
    shop.sources = [
        {"name": "films", "files": {"uri": str(shop.videos)}},
        {
            "name": "rows",
            "table": {"uri": str(shop.folder / "rows.jsonl"), "base": str(shop.videos), "columns": columns},
        },
    ]
    shop.stages = [stage | {"failures": {"tolerate": "60%"}} for stage in (LOOKED, CUT, SAMPLES)]
    shop.run()
    return shop


def test_every_bad_file_is_one_row_with_a_class_and_a_message(shop: Workshop) -> None:
    balanced(shop, "films", "rows", "looked", "cut", "samples")
    failed = shop.failures("looked")
    assert set(failed) == {"empty.mp4", "corrupt.mp4", "truncated.mp4", "audio.mp4", "zero.mp4"}
    assert failed["empty.mp4"] in {"empty", "corrupt"}
    assert failed["corrupt.mp4"] == "corrupt"
    assert failed["truncated.mp4"] == "truncated"
    assert failed["audio.mp4"] == "no_video"
    assert all(shop.ledger("looked")[key].message for key in failed)


def test_names_of_all_kinds_are_cut_and_sampled(shop: Workshop) -> None:
    done = {key for key, row in shop.ledger("looked").items() if row.outcome == "done"}
    assert done == set(ODD_NAMES)
    for output in (output for item in shop.items("samples").values() for output in item.outputs):
        assert len(output.key.rsplit("/", 1)[-1].encode()) <= 255
        assert shop.store.stat(output.key).size == output.size


def test_every_bad_row_is_one_row_with_a_class_and_a_message(shop: Workshop) -> None:
    rows = shop.ask("ledger", "--stage", "rows", "--outcome", "failed")
    reasons = sorted(row["reason"] for row in rows)
    assert all(row["message"] for row in rows)
    assert len(reasons) == 7
    assert reasons.count("bad_span") == 2
    assert {"duplicate", "missing", "bad_text", "bad_row"} <= set(reasons)


def test_different_words_about_one_span_are_two_clips(shop: Workshop) -> None:
    texts = sorted(item.fields["text"] for item in shop.items("cut").values())
    assert texts == ["fine", "long", "other words about the same", "unicode"]
    assert len({item.outputs[0].key for item in shop.items("cut").values()}) == 4
    assert [row.reason for row in shop.ledger("cut").values() if row.outcome != "done"]


def test_d9_a_file_that_hangs_is_killed_and_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    shop = Workshop(tmp_path)
    shop.film(*(f"{name}.mp4" for name in "abcd"), "hang.mp4", "crash.mp4")
    shop.files()
    shop.stages = [
        {"name": "shards", "pack": {"sampler": "odd_sampler:Odd"}, "failures": {"itemTimeout": "15s", "tolerate": "2"}}
    ]
    shop.run()
    assert shop.failures("shards") == {"hang.mp4": "decode_timeout", "crash.mp4": "crash"}
    balanced(shop, "shards")


def test_a_killed_worker_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    shop = Workshop(tmp_path)
    shop.film(*(f"waiting{number}.mp4" for number in range(6)))
    shop.files()
    shop.stages = [{"name": "shards", "pack": {"sampler": "odd_sampler:Odd"}}]
    process = shop.start()
    end = time.monotonic() + 600
    while not (found := workers(process.pid)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(found[0], 9)
    (tmp_path / "go").touch()
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert shop.failures("shards") == {}
    assert shop.data("shards").totals.done == 6


def test_failures_above_the_tolerance_end_with_65_and_cover_nothing_more(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.film("a.mp4", "b.mp4", "c.mp4")
    (shop.videos / "bad.mp4").write_bytes(b"no video")
    shop.files()
    looked = {"name": "looked", "clip": {"by": "length", "length": "1s", "mode": "virtual"}}
    samples = {"name": "samples", "frames": SAMPLES["frames"]}
    shop.stages = [looked | {"failures": {"tolerate": 0}}, samples]
    ended = shop.run(code=65)
    assert (ended["looked"]["totals"]["failed"], ended["samples"]["segments"]) == (1, 0)
    assert not (tmp_path / "store/samples").exists() or not list((tmp_path / "store/samples").rglob("*.npy"))
    assert shop.run(code=65)["samples"]["segments"] == 0
    shop.stages = [looked | {"failures": {"tolerate": 1}}, samples]
    ended = shop.run()
    assert (ended["looked"]["state"], ended["samples"]["totals"]["done"]) == ("cached", 6)


def test_one_broken_file_of_a_few_stops_no_first_run(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.film("a.mp4", "b.mp4", "c.mp4")
    (shop.videos / "bad.mp4").write_bytes(b"no video")
    shop.files()
    looked = {"name": "looked", "clip": {"by": "length", "length": "1s", "mode": "virtual"}}
    shop.stages = [looked, {"name": "samples", "frames": SAMPLES["frames"]}]
    ended = shop.run()
    assert ended["looked"]["totals"]["failed"] == 1
    assert ended["samples"]["totals"]["done"] == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_a_clear_error_and_the_next_run_continues(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        shop = Workshop(tmp_path, store_at=str(disk / "store"))
        shop.film(*(f"{number}.mp4" for number in range(12)))
        shop.files()
        shop.stages = [{"name": "samples", "frames": {"layout": "npy", "width": 32, "height": 32}}]
        said = shop.tell("run", "-q")
        assert said.code == 2, said.err
        assert "full" in said.err or "No space" in said.err
        assert "Traceback" not in said.err
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert shop.run()["samples"]["totals"]["done"] == 12
        balanced(shop, "samples")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_misspelt_field_is_reported_with_the_nearest_name(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, stages=[{"name": "clips", "clip": {"lenght": "1s"}}])
    shop.files()
    said = shop.tell("run")
    assert said.code == 2
    assert "lenght" in said.err
    assert "length" in said.err


def test_a_folder_that_does_not_exist_is_reported_even_where_all_else_is_data(tmp_path: Path) -> None:
    shop = Workshop(
        tmp_path, [{"name": "raw", "files": {"uri": str(tmp_path / "nowhere")}}], [LOOKED | {"from": ["raw"]}]
    )
    said = shop.tell("run", "-q", "-o", "json")
    assert said.code == 2
    assert "nowhere" in said.err
    assert not (tmp_path / "store/looked").exists()
