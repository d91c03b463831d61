"""`reelmill diff` between the data sets of two definitions, two segments and two stores, on real runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import footage
from cli.terminal import reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: small}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, table: {uri: FOLDER/clips.csv, base: FOLDER/videos, columns: {path: path, text: text}}}]
  stages:
  - {name: clips, clip: {by: length, length: 1s, preset: ultrafast}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that ran twice, with a source that grew, a video that came late, and a second definition."""
    folder = tmp_path_factory.mktemp("diff")
    (folder / "videos").mkdir()
    video = footage.video(seconds=2.0, size=(64, 48), audio=False, codec="libx264", options=("-preset", "ultrafast"))
    shutil.copyfile(video, folder / "videos/a.mp4")
    write(folder, PIPELINE.replace("FOLDER", str(folder)))
    table = folder / "clips.csv"
    table.write_text("path,text\na.mp4,one\nb.mp4,two\n")
    reelmill("run", folder / "pipeline.yaml")
    shutil.copyfile(video, folder / "videos/b.mp4")
    shutil.copyfile(video, folder / "videos/c.mp4")
    table.write_text("path,text\na.mp4,one\nb.mp4,two\nc.mp4,three\n")
    reelmill("run", folder / "pipeline.yaml")
    (folder / "longer.yaml").write_text((folder / "pipeline.yaml").read_text().replace("length: 1s", "length: 2s"))
    reelmill("run", folder / "longer.yaml")
    return folder


def diff(folder: Path, *arguments: str) -> Any:
    said = reelmill("diff", *(folder / one if one.endswith(".yaml") else one for one in arguments), "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_two_segments_differ_by_what_the_later_one_added(folder: Path) -> None:
    rows = diff(folder, "pipeline.yaml", "-s", "clips", "--from", "@1", "--rows")
    assert {(row["level"], row["change"], row["key"]) for row in rows} == {
        ("input", "added", "b.mp4"),
        ("input", "added", "c.mp4"),
        *(("item", "added", f"{name}.mp4@{start}.000-{start + 1}.000") for name in "bc" for start in (0, 1)),
    }


def test_an_input_whose_outcome_changed_is_listed_with_both_outcomes(folder: Path) -> None:
    (row,) = [row for row in diff(folder, "pipeline.yaml", "-s", "raw", "--from", "@1", "-r") if row["was"]]
    assert (row["key"], row["change"], row["was"], row["now"]) == ("b.mp4", "changed", "failed(missing)", "done")


def test_two_definitions_differ_by_items_and_not_by_their_keys(folder: Path) -> None:
    counts = diff(folder, "pipeline.yaml", "longer.yaml", "-s", "clips")
    assert {(row["level"], row["change"], row["what"], row["number"]) for row in counts} == {
        ("item", "gone", "", 6),
        ("item", "added", "", 3),
    }


def test_equal_data_in_two_stores_has_no_difference(folder: Path, tmp_path: Path) -> None:
    text = (folder / "pipeline.yaml").read_text().replace(f"uri: {folder}/data", f"uri: {tmp_path}/data")
    (tmp_path / "elsewhere.yaml").write_text(text)
    assert reelmill("run", tmp_path / "elsewhere.yaml").code == 0
    said = reelmill("diff", folder / "pipeline.yaml", tmp_path / "elsewhere.yaml", "-s", "clips")
    assert "there is no difference" in said.err
    changed = reelmill("diff", folder / "longer.yaml", tmp_path / "elsewhere.yaml", "-s", "raw", "--rows")
    assert "there is no difference" in changed.err, changed.out


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("-s", "clips"), "there is only one state to compare"),
        (("--from", "@1"), "--stage is missing"),
        (("-s", "clips", "--from", "@9"), "has no segment 9: its last one is 2"),
        (("-s", "clips", "--from", "0123456789"), "the store has no data set clips/0123456789"),
        (("-s", "clips", "--from", "latest"), "'latest' is not a state of a data set"),
        (("-s", "cuts", "--from", "@1"), "no source or stage named 'cuts'"),
    ],
)
def test_a_state_that_does_not_exist_is_refused(folder: Path, arguments: tuple[str, ...], refusal: str) -> None:
    said = reelmill("diff", folder / "pipeline.yaml", *arguments)
    assert said.code == 2
    assert refusal in said.err
