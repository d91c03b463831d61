"""The packed folder opens in Megatron Energon and on Hugging Face: the bytes of what lies beside the tars."""

import json
import re
import struct
import tarfile
from pathlib import Path

import pytest
import yaml

import footage
from pack.desk import packed, presented, video_item
from reelmill.contract.spec.stages.pack import PackBlock

NAME = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
"""Energon's split of a member's name."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "set")


def made(folder: Path, **options) -> Path:
    video = footage.video(seconds=0.4, fps=10, size=(64, 48))
    block = PackBlock(samples_per_tar=2, **options)
    presented(block, packed(block, [video_item(video, n, text=f"no {n}") for n in range(5)], folder, shards=2), folder)
    return folder


def offsets(path: Path) -> list[int]:
    """Where samples begin, and the end, as Energon's own preparation finds them."""
    found, last = [], None
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            key = NAME.match(member.name)[1]
            if key != last:
                found.append(member.offset)
            last = key
        return [*found, tar.offset]


@pytest.mark.parametrize("sampler", ["video_only", "un"])
def test_the_index_beside_a_tar_holds_the_offset_of_every_sample_and_the_end(tmp_path: Path, sampler: str) -> None:
    folder = made(tmp_path / "set", sampler=sampler)
    tars = sorted(folder.rglob("*.tar"))
    assert len(tars) == 3
    for tar in tars:
        data = tar.with_suffix(".tar.idx").read_bytes()
        assert list(struct.unpack(f"<{len(data) // 8}Q", data)) == offsets(tar)


def test_the_metadata_of_energon_list_every_tar_with_its_samples_by_relative_names(folder: Path) -> None:
    info = json.loads((folder / ".nv-meta/.info.json").read_text())
    tars = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.tar"))]
    assert list(info["shard_counts"]) == tars
    assert list(info["shard_counts"].values()) == [2, 2, 1]
    assert info["energon_version"] == "7.4.1"
    assert yaml.safe_load((folder / ".nv-meta/split.yaml").read_text()) == {
        "split_parts": {"train": tars},
        "exclude": [],
    }


def test_captioned_videos_are_typed_samples_and_all_else_is_left_to_a_cooker(tmp_path: Path, folder: Path) -> None:
    assert yaml.safe_load((folder / ".nv-meta/dataset.yaml").read_text()) == {
        "sample_type": {"__module__": "megatron.energon", "__class__": "VidQASample"},
        "field_map": {"video": "mp4", "context": "json[caption]"},
    }
    frames = made(tmp_path / "frames", sampler="un")
    assert yaml.safe_load((frames / ".nv-meta/dataset.yaml").read_text()) == {
        "__module__": "megatron.energon",
        "__class__": "CrudeWebdataset",
    }


def test_the_readme_for_hugging_face_lists_the_tars_and_not_their_indexes(folder: Path) -> None:
    front = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    (config,) = front["configs"]
    (split,) = config["data_files"]
    assert config["config_name"] == "default"
    assert split["split"] == "train"
    assert split["path"] == [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.tar"))]


def test_no_tar_at_all_gives_no_views(tmp_path: Path) -> None:
    presented(PackBlock(), [], tmp_path / "set")
    assert not (tmp_path / "set").exists()
