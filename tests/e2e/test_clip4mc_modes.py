"""The CLIP4MC document's features on whole runs: its modes, its outputs, its resume."""

import json
import pickle
import shutil
from collections import Counter
from pathlib import Path

import pytest
from clip4mc_run import BROKEN, COW, GONE, PIG, SIZE, prepare, row
from killing import kill_when
from workshop import CLIPS, SAMPLES, Workshop, balanced, same_end

pytestmark = pytest.mark.store


def test_000_f01_full_mode_makes_clips_pairs_samples_and_dataset_info_in_one_run(ran: Workshop) -> None:
    balanced(ran, "raw", "clips", "samples", "shards", "listing")
    pairs = ran.view("clips", "text_video_pairs.json")
    assert [(pair["vid"], pair["transcript"]) for pair in pairs] == [
        (COW, "a cow"), (COW, "the same cow, a little later"), (COW, "and once more"), (PIG, "a pig"),
    ]  # fmt: skip
    assert {"vid", "clip_path", "transcript", "begin_time", "end_time", "duration", "size"} <= set(pairs[0])
    assert pairs[0]["size"] == SIZE
    assert all((ran.root("clips") / pair["clip_path"]).stat().st_size for pair in pairs)
    info = ran.view("samples", "dataset_info.json")
    assert len(info["train"] + info["val"] + info["test"]) == 4
    for folder in info["train"] + info["val"] + info["test"]:
        found = {file.name: file for file in (ran.root("samples") / folder).iterdir()}
        assert set(found) == {"video_input.pkl", "text_input.pkl", "size.json"}
        assert pickle.loads(found["video_input.pkl"].read_bytes()).shape == (16, 16, 32, 3)
        assert len(json.loads(found["size.json"].read_text())) == 16


def test_000_f18_a_missing_file_is_named_and_the_run_continues(ran: Workshop) -> None:
    rows = {row.key: row for row in ran.ledger("raw").values() if row.outcome == "failed"}
    assert Counter(row.reason for row in rows.values()) == {"missing": 1, "bad_span": 2}
    (missing,) = (row for row in rows.values() if row.reason == "missing")
    assert missing.key.startswith(GONE)
    assert "gone.mp4" in missing.message
    assert {key.split(":")[0] for key in ran.failures("clips")} == {BROKEN}


def test_000_f16_what_was_processed_can_be_read(ran: Workshop) -> None:
    rows = ran.ask("ledger", "--stage", "samples", "--outcome", "done", "--limit", 0)
    assert {row["key"] for row in rows} == set(ran.items("samples"))


def test_d4_two_clips_of_one_video_with_equal_whole_seconds_are_two_files(ran: Workshop) -> None:
    keys = [f"{COW}:0.2-1.1", f"{COW}:0.5-1.7"]
    outputs = [ran.items("clips")[key].outputs[0] for key in keys]
    assert outputs[0].key.endswith(f"clips/{COW}_0_1.mp4")
    assert len({output.key for output in outputs}) == len({output.digest for output in outputs}) == 2


def test_000_f20_cut_once_and_processed_twice_with_other_settings(ran: Workshop, tmp_path: Path) -> None:
    shutil.copytree(ran.folder / "store", tmp_path / "store")
    again = Workshop(tmp_path, ran.sources, [ran.stages[0], SAMPLES | {"frames": {"layout": "npy", "count": 4}}])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store/clips").rglob("*.mp4")}
    ended = again.run()
    assert (ended["clips"]["state"], ended["samples"]["totals"]["done"]) == ("cached", 4)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store/clips").rglob("*.mp4")} == before


def test_000_f02_f22_clip_mode_writes_clips_and_pairs_only(ran: Workshop, tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ran.sources, ran.stages[:1])
    shop.run()
    shop.tell("export", "clips", tmp_path / "out", "--mode", "copy")
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {file for file in files if not file.endswith(".mp4")} == {
        "text_video_pairs.json",
        ".reelmill-export.json",
        ".reelmill-export.sha256",
    }
    assert len(files) == 7
    assert shop.contents("clips") == ran.contents("clips")


def test_000_f03_f22_process_mode_makes_the_same_samples_without_raw_videos(ran: Workshop, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert ran.tell("export", "clips", out, "--mode", "copy").code == 0
    pairs = {"uri": str(out / "text_video_pairs.json"), "clips": str(out)}
    shop = Workshop(tmp_path, [{"name": "cut", "pairs": pairs}], [SAMPLES])
    shop.run()
    balanced(shop, "cut", "samples")
    assert digests(shop) == digests(ran)


def test_000_f16_d1_d2_d3_a_resumed_run_skips_what_is_done_and_ends_as_if_undisturbed(
    ran: Workshop, tmp_path: Path
) -> None:
    shop = Workshop(tmp_path, ran.sources, ran.stages)
    kill_when(shop, lambda: bool(list(tmp_path.glob("store/clips/*/0001/_reelmill/segment.json"))))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("store/clips/*/0001/clips/*.mp4")}
    ended = shop.run()
    assert len(before) == 4
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("store/clips/*/0001/clips/*.mp4")} == before
    assert ended["clips"]["segments"] == 1
    same_end(shop, ran, "clips", "samples", "shards", "listing")
    for stage, file in (("samples", "dataset_info.json"), ("clips", "text_video_pairs.json")):
        assert shop.view(stage, file) == ran.view(stage, file)


def test_d4_a_clip_that_was_half_written_is_not_taken_for_done(ran: Workshop, tmp_path: Path) -> None:
    shop = prepare(tmp_path)
    shop.stages = shop.stages[:1]
    kill_when(shop, lambda: bool(list(tmp_path.glob("store/clips/*/0001/_reelmill/pass.json"))))
    shop.run()
    assert {item.outputs[0].digest for item in shop.items("clips").values()} == {
        item.outputs[0].digest for item in ran.items("clips").values()
    }
    balanced(shop, "clips")


def digests(shop: Workshop) -> list[list[str]]:
    """What the samples hold, whatever they are called."""
    return sorted([output.digest for output in item.outputs] for item in shop.items("samples").values())


def test_pairs_numbers_the_cap_and_the_splits_follow_the_metadata_whose_clips_of_a_video_lie_apart(
    tmp_path: Path,
) -> None:
    shop = Workshop(tmp_path, name="apart")
    shop.film(f"{COW}.mp4", f"{PIG}.mp4")
    rows = [
        row(PIG, 1.0, 2.0, "0"), row(COW, 0.2, 1.1, "1"), row(GONE, 0, 1, "lost"), row(PIG, 0, 1, "2"),
        row(COW, 0.0, 0.6, "3"), row(PIG, 0.5, 1.5, "4"),
    ]  # fmt: skip
    shop.clip4mc(rows)
    samples = SAMPLES | {"frames": {"width": 32, "height": 16, "maxSamples": 4}, "shards": 2}
    shop.stages = [CLIPS, {**samples, "view": {"split": {"mode": "all_train"}}}]
    shop.run()
    assert [pair["transcript"] for pair in shop.view("clips", "text_video_pairs.json")] == ["0", "1", "2", "3", "4"]
    vids = [PIG, COW, PIG, COW]
    train = shop.view("samples", "dataset_info.json")["train"]
    assert [Path(folder).name for folder in train] == [f"sample_{n:06d}_{vid}" for n, vid in enumerate(vids)]
    texts = {item.fields["sample"]: item.fields["text"] for item in shop.items("samples").values()}
    assert [texts[Path(folder).name] for folder in train] == ["0", "1", "2", "3"]
    capped = {key for key, each in shop.ledger("samples").items() if each.outcome == "skipped"}
    assert capped == {f"{PIG}:0.5-1.5"}

    rows.insert(0, row(COW, 0.5, 1.5, "5"))
    shop.clip4mc(rows)
    shop.run()
    assert [pair["transcript"] for pair in shop.view("clips", "text_video_pairs.json")] == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
    ]
