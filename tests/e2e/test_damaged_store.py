"""Damage in the store of a real run, and what commands and later stages say of it."""

import json
import os
import shutil
from pathlib import Path

import pytest
from workshop import Workshop

from reelmill.contract.errors import StoreDamaged
from reelmill_stages.datasets.tar_set import INFO, TarSet

pytestmark = pytest.mark.store


@pytest.fixture
def copy(ran: Workshop, tmp_path: Path) -> Workshop:
    """The run, to be damaged."""
    shutil.copytree(ran.folder / "store", tmp_path / "store")
    return Workshop(tmp_path, ran.sources, [dict(stage) for stage in ran.stages], name=ran.name)


def rot(path: Path) -> None:
    """Flip a bit and change nothing else."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)
        file.seek(before.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_whole_store_is_read_and_nothing_is_damaged(ran: Workshop) -> None:
    said = ran.tell("check", "--deep")
    assert said.code == 0, said.err
    assert said.err.rstrip().endswith(": 0 damaged")
    assert ran.ask("check", "--deep", "--stage", "clips")["damage"] == []


def test_every_damaged_object_is_one_row_and_no_export_has_it(copy: Workshop, tmp_path: Path) -> None:
    clip, tar = min(copy.root("clips").glob("0001/clips/*")), min(copy.root("shards").glob("0001/*.tar"))
    rot(clip)
    tar.unlink()
    said = copy.tell("check", "--deep", "-o", "json")
    assert said.code == 65
    rows = json.loads(said.out)["damage"]
    assert {(row["stage"], row["key"].rpartition("/")[2]) for row in rows} == {
        ("clips", clip.name),
        ("shards", tar.name),
    }
    table = copy.tell("check", "--deep")
    assert table.code == 65
    assert "hint: restore it from a backup" in table.err
    for stage, path in ("clips", clip), ("shards", tar):
        for mode in "link", "copy":
            said = copy.tell("export", stage, tmp_path / f"{stage}-{mode}", "--mode", mode)
            assert said.code == 2
            assert str(path) in said.err
    assert copy.tell("export", "clips", tmp_path / "unread", "--no-verify").code == 0


def test_a_damaged_clip_is_cut_again_and_a_tar_is_left_with_a_reason(copy: Workshop) -> None:
    clip, tar = min(copy.root("clips").glob("0001/clips/*")), min(copy.root("shards").glob("0001/*.tar"))
    whole = clip.read_bytes()
    rot(clip)
    rot(tar)
    said = copy.tell("repair", "-o", "json")
    assert said.code == 65, said.err
    rows = {row["stage"]: row for row in json.loads(said.out)["rows"]}
    assert rows["clips"]["repaired"], rows["clips"]
    assert "contains several items" in rows["shards"]["why"]
    assert clip.read_bytes() == whole
    assert copy.tell("repair", "--stage", "clips").code == 0


def test_a_row_that_lost_a_letter_is_never_the_input_of_another_stage(copy: Workshop) -> None:
    items = next(copy.root("clips").glob("0001/_reelmill/items/*"))
    rot(items)
    copy.stages.append({"name": "again", "from": ["clips"], "pack": {"samplesPerTar": 20}})
    said = copy.tell("run", "-q")
    assert said.code != 0
    assert str(items) in said.err
    assert "this is not what was committed" in said.err
    assert not list(copy.folder.glob("store/again/*/0001/*.tar"))


def test_a_reader_that_verifies_refuses_a_damaged_tar_and_list(copy: Workshop, tmp_path: Path) -> None:
    assert copy.tell("export", "shards", tmp_path / "export", "--mode", "copy").code == 0
    for root in copy.root("shards"), tmp_path / "export":
        whole = TarSet(str(root), verify=True)
        assert [whole[row].key for row in range(len(whole))]
        rot(min(root.glob("0001/*.tar")))
        with pytest.raises(StoreDamaged, match="not what was committed"):
            TarSet(str(root), verify=True)[0]
        rot(root / INFO)
        with pytest.raises(StoreDamaged, match="not what was committed"):
            TarSet(str(root))


def test_options_of_a_deep_check_need_it(ran: Workshop) -> None:
    assert ran.tell("check", "--max-rate", 1).code == 2
    assert ran.tell("check", "--read-all").code == 2
    assert ran.tell("check", "--deep", "--format", "clips").code == 2
