"""`filter`, `tune` and `funnel` from the command line, over the sample of curation."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from pyarrow import parquet

import footage
from cli.terminal import reelmill

pytestmark = pytest.mark.store  # needs no server, but each test runs a pipeline

SAMPLE = Path(__file__).resolve().parents[2] / "manifests/samples/curate/pipeline.yaml"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, run to its end over two videos."""
    folder = tmp_path_factory.mktemp("curate")
    (folder / "videos").mkdir()
    for name, seconds in (("a", 4.5), ("b", 2.0)):
        shutil.copy(footage.video(seconds=seconds, size=(128, 96)), folder / f"videos/{name}.mp4")
    path = folder / "pipeline.yaml"
    text = (
        SAMPLE.read_text().replace("uri: data", f"uri: {folder}/data").replace("uri: videos/", f"uri: {folder}/videos/")
    )
    path.write_text(text.replace("min: 4000", "min: 0"))
    said = reelmill("run", path, "-q")
    assert said.code == 0, said.err
    return path


def test_the_sample_runs_from_videos_to_tars(place: Path) -> None:
    rows = {row["name"]: row for row in json.loads(reelmill("status", place, "-o", "json").out)}
    assert {name: row["items"] for name, row in rows.items()} == {"raw": 2, "clips": 4, "keep": 3, "tars": 1}
    assert rows["keep"]["reasons"] == {"filtered:short": 1}


def test_006_f09_the_funnel_has_items_seconds_and_bytes_of_every_stage(place: Path) -> None:
    rows = {row["name"]: row for row in json.loads(reelmill("funnel", place, "-o", "json").out)}
    keep = rows["keep"]
    assert (keep["items_in"], keep["items_kept"], keep["items_out"]) == (4, 3, 3)
    (lost,) = keep["lost"]
    assert (lost["outcome"], lost["reason"], lost["items"]) == ("filtered", "short", 1)
    assert keep["seconds_in"] == pytest.approx(6.5, abs=0.1)
    assert keep["seconds_out"] + lost["seconds"] == pytest.approx(keep["seconds_in"])
    assert keep["bytes_kept"] + lost["bytes"] == keep["bytes_in"] == rows["clips"]["bytes_out"]
    used = {row["name"]: row["usage"] for row in json.loads(reelmill("status", place, "-o", "json").out)}
    assert {name: row["usage"] for name, row in rows.items()} == used
    assert used["clips"]["cpuSeconds"] > 0
    assert used["clips"]["work"]
    table = reelmill("funnel", place).out
    assert "filtered short: 1 item" in table
    assert re.search(r"used .* of CPU, .* of pods, read .*, wrote .*; bound by ", table)
    drawn = ElementTree.fromstring(reelmill("funnel", place, "-o", "svg").out)
    texts = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert {"raw", "clips", "keep", "tars", "short 1"} <= set(texts)


def test_006_f08_rules_are_tuned_before_they_run(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(place.read_text().replace("min: 1s", "min: 3s").replace("name: keep", "name: strict"))
    before = sorted(place.parent.rglob("data/**/*"))
    report = tmp_path / "report"
    said = reelmill("tune", path, "--stage", "strict", "--report", report, "-o", "json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["items"], found["kept"]) == (4, 0)
    short, empty = found["rules"]
    assert (short["alone"], short["first"], short["only"], empty["alone"]) == (4, 4, 4, 0)
    histogram = next(each for each in found["histograms"] if each["field"] == "duration")
    assert sum(histogram["counts"]) == 4
    assert found["unseen"] == []
    assert sorted(file.name for file in report.iterdir()) == [
        "empty_picture-min.png", "index.html", "short-max.png", "short-min.png", "tune.json"
    ]  # fmt: skip
    with Image.open(report / "short-min.png") as sheet:
        assert len(sheet.convert("RGB").getcolors(1 << 20)) > 1000, "the sheet shows frames of the clips"
    assert "short: min 3" in (report / "index.html").read_text()
    assert sorted(place.parent.rglob("data/**/*")) == before, "nothing is written to the store"
    assert "^ short: min 3" in reelmill("tune", path, "-s", "strict").out


def test_a_stage_without_rules_and_one_without_input_cannot_be_tuned(place: Path, tmp_path: Path) -> None:
    said = reelmill("tune", place, "--stage", "clips")
    assert (said.code, "which has no rules" in said.err) == (2, True)
    empty = reelmill("tune", place, "--stage", "keep", "--store", tmp_path / "empty")
    assert (empty.code, "have no items yet" in empty.err) == (2, True)


def test_006_f11_weights_are_a_view_that_decides_nothing_again(place: Path) -> None:
    (file,) = place.parent.glob("data/keep/*/weights.parquet")
    rows = parquet.read_table(file).to_pylist()
    (items,) = place.parent.glob("data/keep/*/0001/_reelmill/items/*")
    assert [row["key"] for row in rows] == [json.loads(line)["key"] for line in items.read_text().splitlines()]
    assert {round(row["weight"], 3) for row in rows} == {0.75, 1.5}
    assert rows[0]["position"] == rows[1]["position"] != rows[2]["position"], "a video is in one subset"
    changed = place.with_name("other.yaml")
    changed.write_text(place.read_text().replace("subsets: vid", "subsets: key"))
    said = reelmill("run", changed, "-o", "json")
    assert said.code == 0, said.err
    positions = [row["position"] for row in parquet.read_table(file).to_pylist()]
    assert len(set(positions)) == 3
    assert len(list(place.parent.glob("data/keep/*/0001"))) == 1
