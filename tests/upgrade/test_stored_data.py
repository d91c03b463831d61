"""Data that an earlier release wrote are read, continued, verified, exported and pruned.

Each archive in `data` was written by one release (`python tests/upgrade`), on another machine: all paths of its videos
have changed.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import footage
from reelmill_stages.stages.frames.reader import open_samples
from upgrade.archive import unpack

pytestmark = pytest.mark.store
ARCHIVES = sorted((Path(__file__).parent / "data").glob("*.tar.gz"))
STAGES = ("clips", "spans", "pictures", "samples", "shards", "listing", "chunks")
PER_VIDEO = {"clips": 2, "spans": 1, "pictures": 2, "samples": 1, "shards": 1, "listing": 1, "chunks": 2}
"""Items that one more video, with one more row, gives each stage."""


@dataclass(frozen=True)
class Kept:
    """What a release left, in a folder of this machine."""

    folder: Path

    def reelmill(self, *words: str, code: int = 0) -> str:
        """What a command prints. Raises AssertionError if its exit status is another one."""
        command = [sys.executable, "-P", "-m", "reelmill.cli", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        return {row["name"]: row for row in json.loads(self.reelmill("status", "pipeline.yaml", "-o", "json"))}

    def objects(self) -> dict[str, str]:
        """Key -> digest of everything in the store that is written once."""
        paths = [path for path in (self.folder / "data").rglob("*") if path.is_file() and not path.is_symlink()]
        return {
            path.relative_to(self.folder / "data").as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in paths
            if {"0001", "0002"} & set(path.parts) and path.name != "heartbeat.json"
        }

    def claims(self) -> set[str]:
        return {path.stem for path in (self.folder / "data").glob("*/*/_reelmill/users/*.json")}

    def grow(self) -> None:
        """One more video, and a row about it."""
        shutil.copyfile(footage.video(seconds=2.0, size=(64, 48), audio=False), self.folder / "videos/c.mp4")
        with (self.folder / "captions.csv").open("a") as file:
            file.write("c.mp4,a third film,0,1\n")

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "pipeline.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    unpack(request.param, tmp_path)
    return Kept(tmp_path / "kept")


def test_020_f04_a_store_of_an_earlier_release_is_read_continued_and_pruned(kept: Kept, tmp_path: Path) -> None:
    before, claims, objects = kept.status(), kept.claims(), kept.objects()
    assert {name: before[name]["state"] for name in STAGES} == dict.fromkeys(STAGES, "current")
    assert {name: row["segments"] for name, row in before.items()} == dict.fromkeys(before, 2)

    kept.grow()
    kept.reelmill("run", "pipeline.yaml")
    after = kept.status()
    assert {name: after[name]["items"] - before[name]["items"] for name in STAGES} == PER_VIDEO
    assert {name: row["segments"] for name, row in after.items()} == dict.fromkeys(after, 3)
    assert {name: after[name]["failed"] for name in STAGES} == {name: before[name]["failed"] for name in STAGES}
    assert kept.objects() == objects, "what is committed does not change"
    kept.reelmill("check", "pipeline.yaml", "--deep")

    kept.reelmill("export", "pipeline.yaml", "samples", str(tmp_path / "samples"))
    assert len(list(open_samples(tmp_path / "samples"))) == after["samples"]["items"]
    kept.reelmill("export", "pipeline.yaml", "shards", str(tmp_path / "shards"))
    packed = [name for path in (tmp_path / "shards").rglob("*.tar") for name in members(path) if name.endswith(".mp4")]
    assert len(packed) == len(set(packed)) == after["clips"]["items"]

    kept.edit("frames: {count: 2,", "frames: {count: 3,")
    kept.reelmill("run", "pipeline.yaml")
    assert len(list((kept.folder / "data/pictures").glob("*/"))) == 2
    kept.reelmill("prune", "pipeline.yaml", "--delete", "--yes", *(f"--release={claim}" for claim in claims))
    left = [path for path in (kept.folder / "data/pictures").rglob("*") if path.is_file()]
    assert len({path.relative_to(kept.folder / "data/pictures").parts[0] for path in left} - {"latest.json"}) == 1
    gone = {key for key in objects if key.startswith("pictures/")}
    assert kept.objects().keys() >= objects.keys() - gone
    assert not gone & kept.objects().keys()
    assert kept.status()["pictures"]["items"] == after["pictures"]["items"]
    kept.reelmill("check", "pipeline.yaml", "--deep")


def members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_commands_that_look_change_nothing(kept: Kept) -> None:
    def everything() -> dict[str, bytes]:
        paths = [path for path in (kept.folder / "data").rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in paths}

    before = everything()
    for words in (
        *("plan pipeline.yaml", "ledger pipeline.yaml", "ledger pipeline.yaml --outcome failed -o json"),
        *("funnel pipeline.yaml", "logs pipeline.yaml", "check pipeline.yaml --deep", "prune pipeline.yaml"),
        *("check pipeline.yaml --stage shards", "support-bundle pipeline.yaml -o ../bundle.tar.gz"),
    ):
        kept.reelmill(*words.split())
    assert everything() == before


def test_a_retry_of_what_an_earlier_release_failed_is_a_pass_over_those_items(kept: Kept) -> None:
    shutil.copyfile(kept.folder / "videos/a.mp4", kept.folder / "videos/broken.mp4")
    before = kept.status()
    kept.reelmill("retry", "pipeline.yaml", "--stage", "clips")
    after = kept.status()
    assert after["clips"]["segments"] == before["clips"]["segments"] + 1
    assert after["clips"]["in"] == before["clips"]["in"]


def test_an_item_in_what_an_earlier_release_wrote_is_forgotten(kept: Kept) -> None:
    def naming() -> list[Path]:
        """Files of the store that name the film, except those about the other source, which has it too."""
        files = (path for path in (kept.folder / "data").rglob("*") if path.is_file())
        own = (path for path in files if path.relative_to(kept.folder / "data").parts[0] in of_films)
        return [path for path in own if b"b.mp4" in path.read_bytes() or "b.mp4" in str(path)]

    of_films = {"films", "clips", "pictures", "shards", "listing", "chunks"}
    before = kept.status()
    assert naming()
    kept.reelmill("forget", "pipeline.yaml", "b.mp4", "--source", "films", "--yes")
    assert naming() == []
    kept.reelmill("run", "pipeline.yaml")
    kept.reelmill("check", "pipeline.yaml", "--deep")
    assert naming() == []
    after = kept.status()
    for name in STAGES:
        assert (after[name]["in"], after[name]["failed"]) == (before[name]["in"], before[name]["failed"])
        assert after[name]["skipped"] == 0
    assert after["samples"]["items"] == before["samples"]["items"]
