"""A packed folder opens, untouched, in the trainers of others: webdataset, Megatron Energon, Hugging Face."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import footage
from pack.desk import Gathered, packed, presented, shown, tar_items, video_item
from pack.readers import stock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from tokens.desk import block, sample, tar
from tokens.desk import packed as packed_tokens
from trainers.environments import seen_by
from trainers.folders import digest, unchanged_by
from trainers.snippets import said_by

COUNT = 7


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`video_only`: seven captioned videos in tars of three."""
    folder = tmp_path_factory.mktemp("videos")
    block = PackBlock(samples_per_tar=3)
    films = [footage.video(seconds=0.5 + number / 10, fps=10, size=(64, 48)) for number in range(COUNT)]
    made = packed(block, [video_item(film, n, text=f"film {n}") for n, film in enumerate(films)], folder / "set")
    presented(block, made, folder / "set")
    return folder / "set"


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`un`: frames of seven videos."""
    folder = tmp_path_factory.mktemp("frames")
    block = PackBlock(samples_per_tar=3, sampler="un", frames=4)
    film = footage.video(seconds=1, fps=10, size=(64, 48))
    made = packed(block, [video_item(film, n, text=f"film {n}") for n in range(COUNT)], folder / "set")
    presented(block, made, folder / "set")
    return folder / "set"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs of tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    made = block(folder, max_tokens=1200, tars_per_tar=1)
    tars = [tar(folder / f"{number}.tar", [sample(images=row % 3) for row in range(9)]) for number in range(2)]
    out = packed_tokens(made, tars, folder / "set/0001")
    for file in TokenizeStage(made).present(Gathered(tar_items(out), folder / "views"), {}):
        (folder / "set" / file.name).parent.mkdir(exist_ok=True)
        (folder / "set" / file.name).write_bytes(file.path.read_bytes())
    return folder / "set"


def members(folder: Path) -> list[dict[str, Any]]:
    """What stock webdataset sees of a folder, in its order."""
    return [found for path in sorted(folder.rglob("*.tar"), key=_place) for found in stock(path)]


def _place(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.replace("_", "-").split("-")[1:])


def parts(found: dict[str, Any]) -> dict[str, str]:
    return {name: digest(data) for name, data in found.items() if not name.startswith("__")}


@pytest.mark.parametrize("kind", ["frames", "tokens"])
def test_001_f12_energon_opens_frames_and_packs_as_crude_samples(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    with unchanged_by(folder):
        seen = seen_by("energon", folder, "crude")
    expected = {found["__key__"]: parts(found) for found in members(folder)}
    assert {one["key"]: one["parts"] for one in seen["samples"]} == expected
    assert len(seen["samples"]) == len(expected)
    for name, index in seen["index"].items():
        assert digest((folder / f"{name}.idx").read_bytes()) == index


def test_001_f12_energon_opens_videos_as_typed_samples_and_its_own_index_is_the_same(videos: Path) -> None:
    with unchanged_by(videos):
        seen = seen_by("energon", videos, "typed")
    assert sorted(seen["samples"], key=lambda one: one["key"]) == [
        {"key": found["__key__"], "context": f"film {number}", "video": digest(found["mp4"])}
        for number, found in enumerate(members(videos))
    ]
    assert len(seen["index"]) == 3
    for name, index in seen["index"].items():
        assert digest((videos / f"{name}.idx").read_bytes()) == index


def expected_videos(folder: Path) -> list[dict[str, str]]:
    """What Energon is to give of videos, by key."""
    found = [(one["__key__"], f"film {number}", digest(one["mp4"])) for number, one in enumerate(members(folder))]
    return sorted(
        [{"key": key, "context": text, "video": video} for key, text, video in found], key=lambda one: one["key"]
    )


def by_key(samples: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(samples, key=lambda one: one["key"])


def test_two_workers_of_energon_that_shuffle_read_every_sample_once(videos: Path) -> None:
    with unchanged_by(videos):
        seen = seen_by("energon", videos, "shuffled")["samples"]
    assert by_key(seen) == expected_videos(videos)
    assert seen != by_key(seen)


def test_a_reader_of_energon_that_was_killed_goes_on_behind_its_last_sample(videos: Path) -> None:
    before, after = seen_by("energon", videos, "resumed")
    assert len(before) == 3
    assert by_key(before + after) == expected_videos(videos)


def test_two_workers_of_webdataset_that_shuffle_read_every_sample_once(videos: Path) -> None:
    seen = seen_by("energon", videos, reader="webdataset")
    wanted = [[one["__key__"], digest(one["mp4"])] for one in members(videos)]
    assert sorted(seen) == sorted(wanted)
    assert seen != sorted(seen)


def test_tars_of_a_second_segment_are_read_beside_the_first(tmp_path: Path) -> None:
    folder, block = tmp_path / "set", PackBlock(samples_per_tar=3)
    film = footage.video(seconds=0.5, fps=10, size=(64, 48))
    items = [video_item(film, number, text=f"film {number}") for number in range(COUNT)]
    rows = tar_items(packed(block, items[:4], folder))
    shown(block, rows, folder)
    assert by_key(seen_by("energon", folder, "typed")["samples"]) == expected_videos(folder)
    first = {path: path.read_bytes() for path in folder.rglob("*.tar")}
    rows += tar_items(packed(block, items[4:], folder, segment=2, first=4), segment=2)
    shown(block, rows, folder)
    assert len(expected_videos(folder)) == COUNT
    assert by_key(seen_by("energon", folder, "typed")["samples"]) == expected_videos(folder)
    assert len(seen_by("energon", folder, reader="webdataset")) == COUNT
    assert all(path.read_bytes() == data for path, data in first.items())


@pytest.mark.parametrize("format_", ["webdataset", "energon"])
def test_the_code_on_the_page_reads_the_folder(videos: Path, tmp_path: Path, format_: str) -> None:
    shutil.copytree(videos, tmp_path / "set")
    found = [(one["__key__"], len(one["mp4"])) for one in members(videos)]
    lines = [
        f"{key} {size if format_ == 'webdataset' else f'film {number}'}" for number, (key, size) in enumerate(found)
    ]
    assert sorted(said_by(format_, "energon", tmp_path / "set")) == sorted(lines)


@pytest.mark.parametrize("mode", ["streaming", "download"])
def test_001_f12_hugging_face_opens_videos(videos: Path, mode: str) -> None:
    with unchanged_by(videos):
        seen = seen_by("huggingface", videos, mode)
    assert seen["kinds"]["mp4"] == "Video"
    rows = sorted(seen["rows"], key=lambda row: row["__key__"])
    assert [(row["__key__"], row["json"]["caption"], row["mp4"]) for row in rows] == [
        (found["__key__"], f"film {number}", digest(found["mp4"])) for number, found in enumerate(members(videos))
    ]


@pytest.mark.parametrize("mode", ["streaming", "download"])
def test_001_f12_hugging_face_opens_frames(frames: Path, mode: str) -> None:
    seen = seen_by("huggingface", frames, mode)
    assert [seen["kinds"][f"{place}.jpg"] for place in range(4)] == ["Image"] * 4
    rows = sorted(seen["rows"], key=lambda row: row["__key__"])
    for row, found in zip(rows, members(frames), strict=True):
        assert row["json"]["txt"] == json.loads(found["json"])["txt"]
        assert [row[f"{place}.jpg"] for place in range(4)] == [digest(found[f"{place}.jpg"]) for place in range(4)]


def test_001_f12_webdataset_opens_all_three(videos: Path, frames: Path, tokens: Path) -> None:
    assert len(members(videos)) == len(members(frames)) == COUNT
    made = [found for path in sorted(tokens.rglob("*.tar"), key=_place) for found in stock(path)]
    assert [set(json.loads(found["json"])) >= {"input_ids", "loss_mask"} for found in made] == [True] * len(made)
