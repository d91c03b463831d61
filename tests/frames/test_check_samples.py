"""`check` applies the rules of CLIP4MC's own loader."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from frames.workplace import clip, item, run
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.frames.check import Clip4mcCheck


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good data set of three samples."""
    run(tmp_path, [item(clip(), number, (0.0, 1.0)) for number in range(3)])
    names = [f"sample_{number:06d}_abcdefghijk" for number in range(3)]
    info = {"train": names[:1], "val": names[1:2], "test": names[2:]}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    return tmp_path


def broken(folder: Path) -> list[tuple[str, str]]:
    return [(finding.file, finding.rule) for finding in findings(folder) if not finding.ok]


def findings(folder: Path) -> list[Finding]:
    return list(Clip4mcCheck().check(folder))


def test_a_good_set_passes_and_every_file_is_named(folder: Path) -> None:
    assert Clip4mcCheck().detect(folder)
    assert broken(folder) == []
    files = {finding.file for finding in findings(folder)}
    assert len(files) == 1 + 9


@pytest.mark.parametrize("layout", ["npy", "jpg"])
def test_samples_of_another_layout_are_not_measured_by_these_rules(layout: str, tmp_path: Path) -> None:
    run(tmp_path, [item(clip(), 0, (0.0, 1.0))], layout=layout)
    (tmp_path / "dataset_info.json").write_text(json.dumps({"train": [], "val": [], "test": []}))
    assert not Clip4mcCheck().detect(tmp_path)


def test_000_p4_fewer_samples_than_a_batch_are_noted(folder: Path) -> None:
    notes = [finding.message for finding in findings(folder) if finding.rule == "train_batch"]
    assert "420" in notes[0]


def test_000_p4_empty_lists_break_the_loader(folder: Path) -> None:
    (folder / "dataset_info.json").write_text(json.dumps({"train": [], "val": [], "test": []}))
    assert ("dataset_info.json", "train_not_empty") in broken(folder)
    (folder / "dataset_info.json").unlink()
    assert ("dataset_info.json", "dataset_info") in broken(folder)


@pytest.mark.parametrize(
    ("file", "data", "rule"),
    [
        ("video_input.pkl", pickle.dumps(np.zeros((16, 160, 256, 3), np.uint8), 4), "opens_under_numpy_1"),
        ("video_input.pkl", pickle.dumps([1, 2], 4), "frames_array"),
        ("video_input.pkl", pickle.dumps(Path("x"), 4), "readable"),
        ("video_input.pkl", b"", "readable"),
        ("text_input.pkl", pickle.dumps({"tokens": [1] * 77}, 4), "tokens_array"),
        ("text_input.pkl", pickle.dumps({"tokens": 3}, 5), "opens_under_numpy_1"),
        ("size.json", b"[0.1, 0.2]", "size_length"),
        ("size.json", json.dumps([0] * 16).encode(), "size_floats"),
        ("size.json", b"{", "readable"),
    ],
)
def test_each_rule_names_the_file_that_breaks_it(file: str, data: bytes, rule: str, folder: Path) -> None:
    (folder / "sample_000001_abcdefghijk" / file).write_bytes(data)
    assert (f"sample_000001_abcdefghijk/{file}", rule) in broken(folder)


def test_000_p3_frames_must_be_a_multiple_of_16_and_test_frames_of_the_loaders_size(tmp_path: Path) -> None:
    run(tmp_path, [item(clip())], width=64, height=64)
    name = "sample_000000_abcdefghijk"
    (tmp_path / "dataset_info.json").write_text(json.dumps({"train": [name], "val": [], "test": [name]}))
    assert broken(tmp_path) == [(f"{name}/video_input.pkl", "test_shape")]
    (tmp_path / name / "video_input.pkl").write_bytes(pickle.dumps(np.zeros((17, 160, 256, 3), np.uint8), 4))
    assert (f"{name}/video_input.pkl", "frames_multiple") in broken(tmp_path)


def test_a_listed_folder_that_is_gone_is_named(folder: Path) -> None:
    (folder / "sample_000001_abcdefghijk" / "size.json").unlink()
    assert broken(folder) == [("sample_000001_abcdefghijk/size.json", "readable")]
