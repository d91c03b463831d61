"""What a stage counts besides outcomes stands wherever its outcomes stand, and is what its shards counted."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import footage
from cli.terminal import Said, reelmill, write
from reelmill.cli.input import pipeline

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, files: {uri: FOLDER/videos}}]
  stages:
  - {name: clips, clip: {by: length, length: 1s, preset: ultrafast}, shards: 2}
  - {name: samples, frames: {count: 48, layout: npy}}
"""
OPTIONS = ("-deadline", "realtime", "-cpu-used", "8")


def film(folder: Path, name: str, container: str) -> None:
    codec, options = ("libvpx", OPTIONS) if container == "webm" else ("libx264", ("-preset", "ultrafast"))
    video = footage.video(seconds=2.0, size=(64, 48), audio=False, codec=codec, container=container, options=options)
    shutil.copyfile(video, folder / f"{name}.{container}")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Said]]:
    """A pipeline that ran twice, with a growing source, and what the two runs said."""
    folder = tmp_path_factory.mktemp("counters")
    videos = folder / "videos"
    videos.mkdir()
    path = write(folder, PIPELINE.replace("FOLDER", str(folder)))
    for name in "ab":
        film(videos, name, "webm")
    film(videos, "c", "mp4")
    first = reelmill("run", path, "-o", "json")
    film(videos, "d", "webm")
    return path, [first, reelmill("run", path)]


def recounted(path: Path, stage: str) -> dict[str, int]:
    """The sum over the commits of all shards, read without reelmill."""
    found: Counter[str] = Counter()
    for commit in (path.parent / "data" / stage).glob("*/*/_reelmill/shards/*.json"):
        found.update(json.loads(commit.read_text())["counters"])
    return dict(found)


def test_the_last_segment_has_what_all_shards_counted(ran: tuple[Path, list[Said]]) -> None:
    path, said = ran
    assert [each.code for each in said] == [0, 0], said[1].err
    assert recounted(path, "clips") == {"reencoded": 6}
    assert recounted(path, "samples") == {"padded": 8}
    for stage in ("clips", "samples"):
        last = max((path.parent / "data" / stage).glob("*/*/_reelmill/segment.json"))
        assert json.loads(last.read_text())["counters"] == recounted(path, stage)


def test_a_run_ends_with_them_and_tells_each_once(ran: tuple[Path, list[Said]]) -> None:
    first, second = ran[1]
    stages = {stage["name"]: stage for stage in json.loads(first.out)["stages"]}
    assert (stages["clips"]["counters"], stages["samples"]["counters"]) == ({"reencoded": 4}, {"padded": 6})
    assert second.out.splitlines()[-2:] == ["clips: counted: reencoded 6", "samples: counted: padded 8"]
    assert "counted" not in second.err


@pytest.mark.parametrize("form", ["table", "wide"])
def test_the_status_of_a_store_tells_them(ran: tuple[Path, list[Said]], form: str) -> None:
    said = reelmill("status", ran[0], "-o", form).out
    assert said.count("reencoded 6") == 1
    assert said.count("padded 8") == 1


def test_rows_of_status_and_ledger_have_them_for_programs(ran: tuple[Path, list[Said]]) -> None:
    path, _ = ran
    rows = {row["name"]: row["counters"] for row in json.loads(reelmill("status", path, "-o", "json").out)}
    assert rows == {"raw": {}, "clips": recounted(path, "clips"), "samples": recounted(path, "samples")}
    counts = json.loads(reelmill("ledger", path, "-o", "json").out)
    assert {row["stage"]: row["counters"] for row in counts if row["outcome"] == "done"} == rows
    assert "reencoded 6" in reelmill("ledger", path).out


def test_a_check_of_a_stage_tells_them_and_holds(ran: tuple[Path, list[Said]]) -> None:
    path, _ = ran
    said = reelmill("check", path, "--stage", "clips")
    assert "counted: reencoded 6" in said.err
    rows = json.loads(reelmill("check", path, "--stage", "clips", "-o", "json").out)
    assert [(row["ok"], row["message"]) for row in rows if row["rule"] == "counted"] == [(True, "reencoded 6")]


@pytest.mark.parametrize(("reads", "told"), [("counters", {"reencoded": 6}), ("", None), ("something,else", None)])
def test_a_step_reports_counters_only_to_a_reader_that_knows_them(
    ran: tuple[Path, list[Said]], tmp_path: Path, reads: str, told: dict[str, int] | None
) -> None:
    report = tmp_path / "report.json"
    env = {"REELMILL_TASK": pipeline.load(str(ran[0])).task().model_dump_json(by_alias=True)}
    env |= {"REELMILL_REPORT": str(report), "REELMILL_REPORTS": reads}
    subprocess.run([sys.executable, "-m", "reelmill_stages"], env={**os.environ, **env}, check=True)
    assert json.loads(report.read_text())["stages"]["clips"].get("counters") == told
