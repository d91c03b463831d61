"""What a user's folders do to a run: a store inside of them, names that come twice, entries that are odd."""

import json
import shutil
from pathlib import Path

import pytest

import footage
from cli.terminal import reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: STORE}
  sources: SOURCES
  stages: STAGES
"""
RAW = "[{name: raw, files: {uri: videos}}]"
CUT = "[{name: clips, clip: {by: length, length: 1s}, failures: {tolerate: '100%'}}]"


@pytest.fixture(autouse=True)
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return film(tmp_path / "videos" / "good.mp4").parent


def film(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(footage.video(seconds=2.0, size=(64, 48), audio=False), path)
    return path


def pipeline(folder: Path, store: str = "data", sources: str = RAW, stages: str = CUT) -> Path:
    return write(folder, PIPELINE.replace("STORE", store).replace("SOURCES", sources).replace("STAGES", stages))


def ledger(path: Path, stage: str) -> dict[str, str]:
    rows = json.loads(reelmill("ledger", path, "--stage", stage, "--item", "*", "-o", "json").out)
    return {row["key"]: row["outcome"] for row in rows}


def test_a_store_below_its_source_is_no_input_of_the_next_run(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "videos/data")
    assert reelmill("run", path).code == 0
    said = reelmill("run", path)
    assert said.code == 0, said.err
    assert "raw: 1 item, 0 of them new" in said.err
    (ignored_line,) = [line for line in said.err.splitlines() if "/ ignored; " in line]
    assert f"files below {tmp_path}/videos/ ignored; they are in the pipeline's own store" in ignored_line
    (row,) = [row for row in json.loads(reelmill("plan", path, "-o", "json").out) if row["name"] == "raw"]
    assert row["why"].startswith("1 listed, 0 new, ")
    assert row["why"].endswith(" of reelmill's passed over")


def test_a_store_that_is_its_own_source_is_refused_before_anything_is_written(tmp_path: Path, videos: Path) -> None:
    path = pipeline(tmp_path, "videos")
    for command in ("validate", "plan", "run"):
        said = reelmill(command, path)
        assert said.code == 2
        assert f"the source {videos} is the pipeline's own store {videos}" in said.err
    assert [each.name for each in videos.iterdir()] == ["good.mp4"]


def test_validate_names_the_line_and_the_resolved_folder_of_a_source_that_is_the_store(
    tmp_path: Path, videos: Path
) -> None:
    (tmp_path / "linked").symlink_to(videos)
    said = reelmill("validate", pipeline(tmp_path, "linked"), "-o", "json")
    assert said.code == 2
    (problem,) = json.loads(said.out)["problems"]
    assert problem["path"] == "spec.sources[0].files.uri"
    assert problem["line"] > 1
    assert problem["problem"] == (
        f"the source {videos} is the pipeline's own store {tmp_path}/linked: both are {videos.resolve()}"
    )


def test_validate_says_that_a_store_below_its_source_is_passed_over_and_lists_nothing(
    tmp_path: Path, videos: Path
) -> None:
    path = pipeline(tmp_path, "videos/data")
    said = reelmill("validate", path)
    assert said.code == 0
    assert f"the pipeline's own store {videos}/data lies in the source {videos}: its files are ignored" in said.err
    (note,) = json.loads(reelmill("validate", path, "-o", "json").out)["notes"]
    assert (note["path"], note["hint"]) == ("spec.sources[0].files.uri", "")
    assert [each.name for each in videos.iterdir()] == ["good.mp4"]


@pytest.mark.parametrize(
    ("store", "source", "refused", "noted"),
    [
        ("s3://b/set/data", "s3://b/set/data/", True, False),
        ("s3://b/set/data", "s3://b/set", False, True),
        ("s3://b/set/data", "s3://b/set/da", False, False),
        ("s3://b/set", "s3://b/set/data", False, False),
        ("s3://b", "s3://b/", True, False),
        ("s3://b/x", "s3://b", False, True),
        ("s3://b/x", "s3://other/x", False, False),
    ],
)
def test_validate_compares_prefixes_of_a_bucket_without_a_request(
    tmp_path: Path, store: str, source: str, refused: bool, noted: bool
) -> None:
    sources = RAW.replace("videos", source)
    said = reelmill("validate", pipeline(tmp_path, store, sources=sources), "-o", "json")
    assert said.code == (2 if refused else 0), said.err
    assert bool(json.loads(said.out)["notes"]) is noted


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("files: {uri: videos}", "table: {uri: rows.csv, columns: {start: from}}", "start and end must be given"),
        ("files: {uri: videos}", "table: {uri: rows}", "set format"),
        ("files: {uri: videos}", "files: {uri: 'ftp://bucket/x'}", "unknown scheme 'ftp'"),
        ("files: {uri: videos}", "files: {uri: 'https://host/x/'}", "no listing of its files"),
        ("files: {uri: videos}", "files: {uri: 'hf://models/owner/name/x'}", "not a data set of the Hugging Face Hub"),
    ],
)
def test_validate_refuses_what_the_adapter_refuses_by_its_parameters_alone(
    tmp_path: Path, videos: Path, old: str, new: str, told: str
) -> None:
    path = pipeline(tmp_path, sources=RAW.replace(old, new))
    for command in ("validate", "plan"):
        said = reelmill(command, path)
        assert said.code == 2, command
        assert told in said.err


@pytest.mark.parametrize("uri", ["https://host/data", "hf://datasets/owner/name/data"])
def test_validate_refuses_a_store_that_can_only_be_a_source(tmp_path: Path, uri: str) -> None:
    said = reelmill("validate", pipeline(tmp_path, uri))
    assert said.code == 2
    assert "this can be a source but not a store" in said.err


def test_a_folder_called_like_reelmills_own_hides_nothing(tmp_path: Path, videos: Path) -> None:
    (videos / "_reelmill").mkdir()
    (videos / "_reelmill" / "anything").touch()
    path = pipeline(tmp_path)
    assert reelmill("run", path).code == 0
    assert ledger(path, "clips") == {"good.mp4": "done"}


def test_an_odd_entry_is_a_failed_row_and_the_good_file_is_done(tmp_path: Path, videos: Path) -> None:
    (videos / "loop.mp4").symlink_to("loop.mp4")
    path = pipeline(tmp_path)
    said = reelmill("run", path)
    assert said.code == 0, said.err
    assert ledger(path, "clips") == {"good.mp4": "done"}
    (row,) = json.loads(reelmill("ledger", path, "--stage", "raw", "--outcome", "failed", "-o", "json").out)
    assert (row["key"], row["reason"]) == ("loop.mp4", "missing")


def test_two_cameras_with_files_of_one_name_are_both_cut_and_the_firsts_names_stay(tmp_path: Path) -> None:
    film(tmp_path / "more" / "good.mp4")
    sources = "[{name: raw, files: {uri: videos}}, {name: more, files: {uri: more}}]"
    path = pipeline(tmp_path, sources=sources, stages=CUT.replace("clip:", "from: [raw, more], clip:"))
    assert reelmill("run", path).code == 0
    assert ledger(path, "clips") == {"raw/good.mp4": "done", "more/good.mp4": "done"}
    names = sorted(each.name for each in (tmp_path / "data" / "clips").rglob("*.mp4"))
    assert len(names) == 4
    assert {"good_0_1.mp4", "good_1_2.mp4"} <= {*names}


@pytest.mark.parametrize("taken", ["all: true", "fps: 2"])
def test_plan_does_not_take_bytes_for_seconds(tmp_path: Path, taken: str) -> None:
    stages = f"[{{name: pics, frames: {{{taken}, layout: jpg, width: 64, height: 48}}}}]"
    rows = json.loads(reelmill("plan", pipeline(tmp_path, stages=stages), "-o", "json").out)
    (row,) = [row for row in rows if row["name"] == "pics"]
    assert (row["items"], row["bytes"]) == (1, None)


def test_validate_refuses_a_token_that_no_run_accepts(tmp_path: Path, videos: Path) -> None:
    path = pipeline(tmp_path)
    path.write_text(
        path.read_text().replace("{name: small}", "{name: small, annotations: {reelmill.dev/identity: ''}}")
    )
    for command in ("validate", "run"):
        said = reelmill(command, path)
        assert said.code == 2, command
        assert "the annotation reelmill.dev/identity is not a valid token" in said.err
