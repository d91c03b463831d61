"""A packed folder opens, untouched, in the trainers of others: webdataset, Megatron Energon, Hugging Face."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import footage
from pack.desk import Gathered, packed, presented, tar_items, video_item
from pack.readers import stock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from tokens.desk import block, sample, tar
from tokens.desk import packed as packed_tokens
from trainers.environments import seen_by

COUNT = 7


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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


def unchanged(folder: Path, before: dict[str, str]) -> None:
    assert state(folder) == before, "the reader wrote into the folder"


def state(folder: Path) -> dict[str, str]:
    return {str(path): digest(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["frames", "tokens"])
def test_001_f12_energon_opens_frames_and_packs_as_crude_samples(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    before = state(folder)
    seen = seen_by("energon", folder, "crude")
    expected = {found["__key__"]: parts(found) for found in members(folder)}
    assert {one["key"]: one["parts"] for one in seen["samples"]} == expected
    assert len(seen["samples"]) == len(expected)
    for name, index in seen["index"].items():
        assert digest((folder / f"{name}.idx").read_bytes()) == index
    unchanged(folder, before)


def test_001_f12_energon_opens_videos_as_typed_samples_and_its_own_index_is_the_same(videos: Path) -> None:
    before = state(videos)
    seen = seen_by("energon", videos, "typed")
    assert sorted(seen["samples"], key=lambda one: one["key"]) == [
        {"key": found["__key__"], "context": f"film {number}", "video": digest(found["mp4"])}
        for number, found in enumerate(members(videos))
    ]
    assert len(seen["index"]) == 3
    for name, index in seen["index"].items():
        assert digest((videos / f"{name}.idx").read_bytes()) == index
    unchanged(videos, before)


@pytest.mark.parametrize("mode", ["streaming", "download"])
def test_001_f12_hugging_face_opens_videos(videos: Path, mode: str) -> None:
    before = state(videos)
    seen = seen_by("huggingface", videos, mode)
    assert seen["kinds"]["mp4"] == "Video"
    rows = sorted(seen["rows"], key=lambda row: row["__key__"])
    assert [(row["__key__"], row["json"]["caption"], row["mp4"]) for row in rows] == [
        (found["__key__"], f"film {number}", digest(found["mp4"])) for number, found in enumerate(members(videos))
    ]
    unchanged(videos, before)


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
