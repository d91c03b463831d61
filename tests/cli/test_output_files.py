"""Commands that write a file or folder that somebody named: nothing that they did not write themselves is replaced."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import footage
from cli.terminal import reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: outputs}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, files: {uri: FOLDER/videos}}]
  stages:
  - name: keep
    filter: {rules: [{field: media.size, min: 1}]}
"""
NAMED = {
    "report": ("report", "-o", "FILE"),
    "lineage": ("lineage", "keep", "--to", "FILE"),
    "tune": ("tune", "--stage", "keep", "--report", "FOLDER"),
    "card": ("card", "keep", "FOLDER"),
    "export": ("export", "keep", "FOLDER"),
    "support-bundle": ("support-bundle", "-o", "FILE"),
    "run": ("run", "-q", "--openlineage", "FILE"),
    "check": ("check", "--deep", "--progress", "FILE"),
    "replay": ("replay", "keep", "a.mp4", "--to", "FOLDER"),
}
"""The commands, each with what it writes: a file, or a folder of files."""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "videos").mkdir()
    shutil.copyfile(footage.video(seconds=1.0, size=(64, 48), audio=False), folder / "videos/a.mp4")
    path = write(folder, PIPELINE.replace("FOLDER", str(folder)))
    assert reelmill("run", path, "-q").code == 0
    return path


def call(pipeline: Path, name: str, target: Path) -> tuple[int, str]:
    command, *rest = NAMED[name]
    said = reelmill(command, pipeline, *(target if word in ("FILE", "FOLDER") else word for word in rest))
    return said.code, said.err


MARKED = (b"mine", b"<html>mine</html>", b"PAR1mine", b"{}", b'{"stage": 1}', b"path,text\n")


@pytest.mark.parametrize("name", NAMED)
@given(content=st.sampled_from(MARKED), inside=st.sampled_from(["index.html", "README.md", "thesis.txt", "tune.json"]))
def test_what_a_user_has_there_is_not_replaced(
    pipeline: Path, tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, inside: str
) -> None:
    target = tmp_path_factory.mktemp("users") / "precious"
    file = target
    if "FOLDER" in NAMED[name]:
        target.mkdir()
        file = target / inside
    file.write_bytes(content)
    code, said = call(pipeline, name, target)
    assert (code, file.read_bytes()) == (2, content), said
    assert str(target) in said
    assert "hint: " in said
    assert [path.name for path in target.parent.rglob("*") if path not in (target, file)] == []


def test_a_check_that_notes_its_progress_writes_no_other_file(pipeline: Path, tmp_path: Path) -> None:
    progress, mine = tmp_path / "check.json", tmp_path / "check.json.part"
    mine.write_bytes(b"mine")
    assert call(pipeline, "check", progress)[0] == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {mine.name: b"mine"}


def test_events_follow_those_of_earlier_runs(pipeline: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.touch()
    for _ in range(2):
        before = events.read_bytes()
        assert call(pipeline, "run", events)[0] == 0
        assert events.read_bytes().startswith(before)
    assert len(events.read_bytes()) > len(before)


@pytest.mark.parametrize("name", ["report", "lineage", "tune", "card", "export"])
def test_what_the_command_wrote_before_is_replaced(pipeline: Path, tmp_path: Path, name: str) -> None:
    assert [call(pipeline, name, tmp_path / "made")[0] for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("part", ["page", "sheet"])
def test_a_report_of_tune_replaces_only_its_own_parts(pipeline: Path, tmp_path: Path, part: str) -> None:
    made = tmp_path / "made"
    assert call(pipeline, "tune", made)[0] == 0
    result = json.loads((made / "tune.json").read_bytes())
    (sheet,) = result["sheets"]
    (made / "tune.json").write_text(json.dumps({**result, "sheets": []}))
    mine = made / "index.html" if part == "page" else Path(sheet)
    mine.write_bytes(b"mine")
    code, said = call(pipeline, "tune", made)
    assert (code, mine.read_bytes()) == (2, b"mine")
    assert said.startswith(f"error: {mine}: the existing file is something else")


def test_the_metadata_of_a_source_are_not_replaced_by_a_table_of_lineage(pipeline: Path, tmp_path: Path) -> None:
    captions = tmp_path / "captions.csv"
    captions.write_text("path,text\na.mp4,a brown rabbit\n")
    code, said = call(pipeline, "lineage", captions)
    assert code == 2
    assert said == (
        f"error: {captions}: the existing file is something else and is not replaced\n"
        "hint: choose another path with --to, or move it away\n"
    )
    assert captions.read_text() == "path,text\na.mp4,a brown rabbit\n"


@pytest.mark.parametrize(
    "inside", ["rows/0001/cam.mp4", "posters/summer.jpg", "indexes/index.db", "lock", "thesis.txt"]
)
def test_a_dashboard_takes_no_folder_of_somebody_elses_as_scratch(pipeline: Path, tmp_path: Path, inside: str) -> None:
    precious = tmp_path / inside
    precious.parent.mkdir(parents=True, exist_ok=True)
    precious.write_bytes(b"mine")
    said = reelmill("dashboard", pipeline, "--port", "0", "--scratch", tmp_path)
    assert (said.code, precious.read_bytes()) == (2, b"mine")
    assert said.err == (
        f"error: {tmp_path}: the scratch folder contains something else\n"
        "hint: choose another --scratch, such as a new one\n"
    )


def test_a_report_of_tune_that_was_killed_is_continued(pipeline: Path, tmp_path: Path) -> None:
    whole, result = tmp_path / "whole", tmp_path / "made"
    assert call(pipeline, "tune", whole)[0] == 0
    files = sorted(path.name for path in whole.iterdir())
    assert not [name for name in files if "partial" in name]
    digests = {
        name: json.loads((whole / "tune.json").read_bytes())["files"][name] for name in files if name != "tune.json"
    }
    marked = json.dumps(
        {**json.loads((whole / "tune.json").read_bytes()), "files": {n: ["sha256:0", *d] for n, d in digests.items()}}
    )
    for killed in range(len(files) + 1):
        shutil.rmtree(result, ignore_errors=True)
        result.mkdir()
        (result / f"tune.json.{'0' * 16}.partial").write_bytes(b"{")
        if killed:
            (result / "tune.json").write_text(marked)
        for name in [name for name in files if name != "tune.json"][: max(killed - 1, 0)]:
            shutil.copyfile(whole / name, result / name)
        assert call(pipeline, "tune", result)[0] == 0
        assert {*files} <= {path.name for path in result.iterdir()}


@pytest.mark.parametrize("part", ["index.html", "SHEET"])
def test_a_file_that_somebody_put_in_the_place_of_a_part_of_a_report_is_kept(
    pipeline: Path, tmp_path: Path, part: str
) -> None:
    made = tmp_path / "made"
    assert call(pipeline, "tune", made)[0] == 0
    (sheet,) = json.loads((made / "tune.json").read_bytes())["sheets"]
    mine = Path(sheet) if part == "SHEET" else made / part
    mine.write_bytes(mine.read_bytes()[:100] + b"mine")
    before = mine.read_bytes()
    code, said = call(pipeline, "tune", made)
    assert (code, mine.read_bytes()) == (2, before)
    assert said.startswith(f"error: {mine}: the existing file is something else")


def test_rules_are_tried_with_one_report_in_any_order(pipeline: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(pipeline.read_text().replace("min: 1", "max: 1000000000"))
    for tried in (pipeline, other, pipeline, other):
        assert call(tried, "tune", tmp_path / "made") == (0, "")
    assert {*json.loads((tmp_path / "made/tune.json").read_bytes())["files"]} == {
        *(path.name for path in (tmp_path / "made").iterdir() if path.name != "tune.json")
    }
