"""`reelmill trace` and `reelmill lineage` on real runs, judged by ledgers, by the files and by a decoder."""

import json
import re
import shlex
import shutil
import tarfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pyarrow.parquet as parquet
import pytest

import footage
from cli.terminal import reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: lineage}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, table: {uri: FOLDER/films.csv, base: FOLDER/videos, columns: {path: path, text: text}}}]
  stages:
  - name: clips
    clip: {by: length, length: 1s, preset: ultrafast}
    failures: {tolerate: 10}
  - name: chosen
    filter: {rules: [{field: start, max: 2}]}
  - name: tars
    pack: {sampler: video_only, samplesPerTar: 3}
  - name: index
    index: {}
  - name: pictures
    from: [chosen]
    frames: {count: 2, layout: jpg, width: 32, height: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that ran twice, with a source that grew, a film that came late, and one that is no film."""
    folder = tmp_path_factory.mktemp("lineage")
    (folder / "videos").mkdir()
    video = footage.video(seconds=4.0, size=(64, 48), audio=False, codec="libx264", options=("-preset", "ultrafast"))
    for name in "ab":
        shutil.copyfile(video, folder / f"videos/{name}.mp4")
    (folder / "videos/broken.mp4").write_text("no film")
    write(folder, PIPELINE.replace("FOLDER", str(folder)))
    table = folder / "films.csv"
    table.write_text("path,text\na.mp4,one\nb.mp4,two\nlate.mp4,three\nbroken.mp4,four\n")
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    shutil.copyfile(video, folder / "videos/late.mp4")
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    return folder


def trace(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    said = reelmill("trace", folder / "pipeline.yaml", *arguments, "-o", "json")
    assert said.code == 0, said.err
    found: list[dict[str, Any]] = json.loads(said.out)
    return found


def names(rows: list[dict[str, Any]], way: str) -> list[tuple[str, str]]:
    return [(row["stage"], row["item"]) for row in rows if row["way"] == way]


def test_016_f01_an_item_is_led_back_to_its_source_object_and_its_exact_time(folder: Path) -> None:
    rows = trace(folder, "a.mp4@1.000-2.000", "--stage", "pictures")
    assert names(rows, "origin") == [("raw", "a.mp4"), ("clips", "a.mp4@1.000-2.000"), ("chosen", "a.mp4@1.000-2.000")]
    assert names(rows, "item") == [("pictures", "a.mp4@1.000-2.000")]
    source, clip = rows[0], rows[1]
    assert source["media"]["uri"] == str(folder / "videos/a.mp4")
    assert source["media"]["etag"]
    time = clip["time"]
    with av.open(str(folder / "videos/a.mp4")) as film:
        shown = [frame.pts for frame in film.decode(video=0)]
        base = film.streams.video[0].time_base
    assert Fraction(time["time_base"]) == base
    assert shown[time["first_frame"]] == time["in_pts"]
    assert shown[time["end_frame"]] == time["out_pts"]
    assert (time["in_pts"] * base, time["out_pts"] * base) == (1, 2)
    (file,) = clip["files"]
    assert (folder / "data" / file["key"]).stat().st_size == file["size"]


def test_016_f01_a_source_item_is_led_forward_to_everything_that_holds_it(folder: Path) -> None:
    rows = trace(folder, "b.mp4")
    assert names(rows, "item") == [("raw", "b.mp4")]
    results = [row for row in rows if row["way"] == "result"]
    clips = {f"b.mp4@{start}.000-{start + 1}.000" for start in range(4)}
    for stage, kept in (("clips", clips), ("chosen", {key for key in clips if key < "b.mp4@3"}), ("pictures", None)):
        made = {row["item"] for row in results if row["stage"] == stage and row["outcome"] == "done"}
        assert made == (kept or {key for key in clips if key < "b.mp4@3"})
    assert [(row["item"], row["reason"]) for row in results if row["outcome"] == "filtered"] == [
        ("b.mp4@3.000-4.000", "start")
    ]
    tars = {row["item"]: row for row in results if row["stage"] == "tars" and row["item"]}
    holding = {item for item in tars if _holds(folder, tars[item], clips)}
    assert holding == set(tars)
    assert {row["item"] for row in results if row["stage"] == "index"} == set(tars)


def _holds(folder: Path, row: dict[str, Any], clips: set[str]) -> bool:
    """Whether a tar has the bytes of one of these clips."""
    wanted = {
        (folder / "data" / file["key"]).read_bytes()
        for clip in clips
        for one in trace(folder, clip, "--stage", "clips")
        if one["way"] == "item"
        for file in one["files"]
    }
    with tarfile.open(folder / "data" / row["media"]["uri"]) as tar:
        return any(tar.extractfile(member).read() in wanted for member in tar)  # type: ignore[union-attr]


def test_an_item_that_came_late_is_traced_through_later_segments(folder: Path) -> None:
    rows = trace(folder, "late.mp4")
    assert {row["segment"] for row in rows} == {2}
    assert ("pictures", "late.mp4@0.000-1.000") in names(rows, "result")


def test_an_input_that_ended_is_found_with_its_reason(folder: Path) -> None:
    rows = trace(folder, "broken.mp4")
    assert names(rows, "item") == [("raw", "broken.mp4")]
    assert [(row["stage"], row["outcome"]) for row in rows if row["way"] == "result"] == [("clips", "failed")]
    rows = trace(folder, "a.mp4@3.000-4.000", "--stage", "chosen")
    assert [row["outcome"] for row in rows if row["way"] == "item"] == ["filtered"]
    assert names(rows, "origin")[0] == ("raw", "a.mp4")


def test_a_key_that_no_item_has_is_reported(folder: Path) -> None:
    said = reelmill("trace", folder / "pipeline.yaml", "nobody.mp4")
    assert said.code == 2
    assert "no item and no input 'nobody.mp4'" in said.err


def test_the_table_shows_the_way_for_people(folder: Path) -> None:
    said = reelmill("trace", folder / "pipeline.yaml", "a.mp4@0.000-1.000", "--stage", "clips")
    assert "origin" in said.out
    assert "videos/a.mp4" in said.out.replace("\n", "").replace(" ", "")


def table(folder: Path, stage: str) -> list[dict[str, Any]]:
    file = folder / f"{stage}.parquet"
    said = reelmill("lineage", folder / "pipeline.yaml", stage, "--to", file)
    assert said.code == 0, said.err
    return list(parquet.read_table(file).to_pylist())


def ledger(folder: Path, stage: str) -> list[dict[str, Any]]:
    said = reelmill("ledger", folder / "pipeline.yaml", "-s", stage, "--item", "*", "-o", "json")
    return list(json.loads(said.out))


def test_016_f02_the_table_of_a_stage_accounts_for_every_input_of_every_stage_on_the_way(folder: Path) -> None:
    rows = table(folder, "pictures")
    ended = [(row["steps"][-1]["stage"], row["steps"][-1]["item"], row["outcome"]) for row in rows if not row["item"]]
    assert sorted(ended) == sorted(
        (stage, row["key"], row["outcome"])
        for stage in ("clips", "chosen", "pictures")
        for row in ledger(folder, stage)
        if row["outcome"] != "done"
    )
    made = [row for row in rows if row["item"]]
    assert sorted(row["item"] for row in made) == sorted(
        row["key"] for row in ledger(folder, "pictures") if row["outcome"] == "done"
    )
    assert [row["ordinal"] for row in made] == list(range(len(made)))
    for row in made:
        assert row["source_item"] == row["item"].partition("@")[0]
        assert row["source_uri"] == str(folder / "videos" / row["source_item"])
        assert row["source_etag"]
        assert [step["stage"] for step in row["steps"]] == ["raw", "clips", "chosen", "pictures"]
        assert {step["outcome"] for step in row["steps"]} == {"done"}
        seconds = Fraction(row["time_base"])
        assert (row["in_pts"] * seconds, row["out_pts"] * seconds) == (row["start"], row["end"])
        assert json.loads(row["source_row"])["key"] == row["source_item"]


def test_the_table_of_tars_has_a_row_for_every_sample_in_them(folder: Path) -> None:
    rows = table(folder, "tars")
    made = [row for row in rows if row["item"]]
    chosen = {row["key"] for row in ledger(folder, "chosen") if row["outcome"] == "done"}
    assert sorted(row["steps"][-2]["item"] for row in made) == sorted(chosen)
    tars = {row["item"]: row for row in made}
    for row in tars.values():
        with tarfile.open(folder / "data" / next(f["key"] for f in row["files"] if f["key"].endswith("tar"))) as tar:
            samples = {name.partition(".")[0] for name in tar.getnames()}
        assert len(samples) == sum(one["item"] == row["item"] for one in made)


def test_the_table_says_what_it_is_about(folder: Path) -> None:
    table(folder, "clips")
    about = json.loads(parquet.read_schema(folder / "clips.parquet").metadata[b"reelmill"])
    assert [stage["name"] for stage in about["stages"]] == ["raw", "clips"]
    assert about["stages"][1]["type"] == "clip"


def test_what_the_page_shows_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    page = (Path(__file__).resolve().parents[2] / "docs/lineage.md").read_text()
    blocks = re.findall(r"<!-- run -->\n+```(\w+)\n(.*?)```", page, re.DOTALL)
    shown = [
        line
        for line in page.splitlines()
        if line.startswith("$ reelmill") and not set(line.split()) & {"--continue", "--release"}
    ]
    assert [code.strip() for language, code in blocks if language == "console"] == shown
    for language, code in blocks:
        if language == "console":
            said = reelmill(*shlex.split(code.removeprefix("$ reelmill ")))
            assert said.code == 0, said.err
        else:
            exec(code, {})
    assert "broken.mp4 failed" in capsys.readouterr().out


def test_a_row_that_no_stage_has_cut_is_the_part_of_its_file_that_its_source_lists(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    shutil.copyfile(footage.video(seconds=1.0, size=(64, 48), audio=False), tmp_path / "videos/a.mp4")
    (tmp_path / "films.csv").write_text("path,text,b,e\na.mp4,one,0.25,0.75\n")
    head, _, _ = PIPELINE.replace("text: text}", "text: text, start: b, end: e}").partition("  - name: clips")
    stage = "  - {name: measured, measure: {picture: false, motion: false, sound: false}}\n"
    write(tmp_path, f"{head}{stage}".replace("FOLDER", str(tmp_path)))
    assert reelmill("run", tmp_path / "pipeline.yaml").code == 0
    assert [(row["start"], row["end"]) for row in table(tmp_path, "measured")] == [(0.25, 0.75)]


def test_a_table_that_cannot_be_written_is_refused_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    said = reelmill("lineage", folder / "pipeline.yaml", "clips", "--to", tmp_path / "nowhere/x.parquet")
    assert said.code == 2
    assert "there is no such folder" in said.err
    assert not list(tmp_path.iterdir())
