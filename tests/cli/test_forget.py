"""`reelmill forget` on a real pipeline, judged by the bytes of the whole store."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet
import pytest

import footage
from cli.terminal import Said, reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: forget}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, files: {uri: FOLDER/videos}}]
  stages:
  - name: clips
    clip: {by: length, length: 1s, preset: ultrafast}
  - name: kept
    dedup: {by: exact}
  - name: tars
    pack: {sampler: video_only, samplesPerTar: 3}
  - name: index
    index: {}
  - name: pictures
    from: [kept]
    frames: {count: 2, layout: jpg, width: 32, height: 16}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forget")
    (folder / "videos").mkdir()
    for number, name in enumerate(("first", "private", "third")):
        options = ("-preset", "ultrafast", "-crf", str(20 + number))
        video = footage.video(seconds=2.0 + number, size=(64, 48), audio=False, codec="libx264", options=options)
        shutil.copyfile(video, folder / f"videos/{name}.mp4")
    write(folder, PIPELINE.replace("FOLDER", str(folder)))
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    return folder


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    """The same store and pipeline at another place."""
    shutil.copytree(ran / "data", tmp_path / "data")
    (tmp_path / "pipeline.yaml").write_text(
        PIPELINE.replace("FOLDER/data", str(tmp_path / "data")).replace("FOLDER", str(ran))
    )
    return tmp_path


def forget(folder: Path, *arguments: str) -> Said:
    return reelmill("forget", folder / "pipeline.yaml", *arguments)


def naming(folder: Path, word: str) -> list[str]:
    """Objects of the store that have a word in their name or bytes."""
    return [
        str(path)
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and (word in path.name or word.encode() in path.read_bytes())
    ]


def clips_of(folder: Path, word: str) -> set[bytes]:
    return {path.read_bytes() for path in (folder / "data/clips").rglob("*.mp4") if word in path.name}


def members(folder: Path) -> list[bytes]:
    """The videos in all tars of the store."""
    found = []
    for path in (folder / "data/tars").rglob("*.tar"):
        with tarfile.open(path) as tar:
            found += [tar.extractfile(member).read() for member in tar if member.name.endswith("mp4")]  # type: ignore[union-attr]
    return found


def status(folder: Path) -> dict[str, Any]:
    said = reelmill("status", folder / "pipeline.yaml", "-o", "json")
    return {row["name"]: row for row in json.loads(said.out)}


def test_without_consent_it_only_says_what_would_go(folder: Path) -> None:
    before = naming(folder, "private")
    said = forget(folder, "private.mp4", "-o", "json")
    assert said.code == 0
    rows = {row["stage"]: row for row in json.loads(said.out)["rows"]}
    assert json.loads(said.out)["state"] == "found"
    assert rows["clips"]["items"] == 3
    assert rows["tars"]["withdrawn"] > 0
    assert naming(folder, "private") == before


def test_nothing_is_left_and_the_rest_is_made_again(folder: Path) -> None:
    gone, rest = clips_of(folder, "private"), clips_of(folder, "first") | clips_of(folder, "third")
    assert len(gone) == 3
    said = forget(folder, "private.mp4", "--yes")
    assert said.code == 0, said.err
    assert "no traces remain" in said.err
    assert naming(folder, "private") == []
    assert not gone & {path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()}
    assert not gone & set(members(folder))
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    assert set(members(folder)) == rest
    deep = reelmill("check", folder / "pipeline.yaml", "--deep")
    assert deep.code == 0, deep.err
    assert status(folder)["tars"]["skipped"] == 0
    said = reelmill("lineage", folder / "pipeline.yaml", "index", "--to", folder / "lineage.parquet")
    assert said.code == 0, said.err
    rows = parquet.read_table(folder / "lineage.parquet").to_pylist()
    assert {row["source_item"] for row in rows} == {"first.mp4", "third.mp4"}
    assert len([row for row in rows if row["item"]]) == len(rest)
    assert naming(folder, "private") == []


def test_a_run_does_not_bring_it_back_and_a_second_call_searches_again(folder: Path) -> None:
    forget(folder, "private.mp4", "--yes")
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    assert naming(folder, "private") == []
    again = forget(folder, "private.mp4")
    assert again.code == 0
    assert "had been forgotten before, and no traces remain" in again.err


def test_what_somebody_puts_back_is_found(folder: Path) -> None:
    forget(folder, "private.mp4", "--yes")
    (key,) = (path.name for path in (folder / "data/raw").iterdir() if path.is_dir())
    report = folder / f"data/raw/{key}/0001/_reelmill/logs/00000-1-00000000.jsonl"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps({"item": "private.mp4"}))
    again = forget(folder, "private.mp4")
    assert again.code == 65
    assert "00000-1-00000000.jsonl" in again.err


def test_another_definition_of_the_same_store_is_searched_too(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text((folder / "pipeline.yaml").read_text().replace("count: 2", "count: 4"))
    assert reelmill("run", other).code == 0
    forget(folder, "private.mp4", "--yes")
    assert naming(folder, "private") == []


def test_a_frozen_state_is_a_refusal(folder: Path) -> None:
    assert reelmill("freeze", folder / "pipeline.yaml", "v1").code == 0
    said = forget(folder, "private.mp4", "--yes")
    assert said.code == 2
    assert "frozen state 'v1'" in said.err
    assert naming(folder, "private")


def test_016_f07_a_check_says_that_nothing_is_left_or_where(folder: Path) -> None:
    def check(*arguments: str) -> Said:
        return reelmill("check", folder / "pipeline.yaml", "--forgotten", *arguments)

    assert "no items of raw were forgotten" in check().err
    assert check("--read-all").code == 2
    forget(folder, "private.mp4", "--yes")
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    said = check()
    assert said.code == 0, said.out
    assert "no traces of 1 forgotten item of raw remain" in said.err
    export = folder / "data/exports/lineage.parquet"
    export.parent.mkdir()
    parquet.write_table(pyarrow.table({"item": ["first.mp4", "private.mp4@0.000-1.000"]}), export)
    with tarfile.open(folder / "data/exports/old.tar", "w") as tar:
        tar.add(folder / "pipeline.yaml", "samples/private.json")
        tar.add(folder / "pipeline.yaml", "samples/private.mp4")
    said = check()
    assert said.code == 65
    assert "exports/lineage.parquet" in said.out
    assert "exports/old.tar" in said.out
    assert json.loads(check("-o", "json").out)[0]["left"] == ["exports/lineage.parquet", "exports/old.tar"]
    again = forget(folder, "private.mp4")
    assert again.code == 65
    assert "exports/lineage.parquet" in again.err
    for path in export.parent.iterdir():
        path.unlink()
    assert check().code == 0


def test_edited_views_and_exports_that_name_or_hold_deleted_files_are_found(folder: Path) -> None:
    (view,) = (folder / "data/clips").glob("*/text_video_pairs.json")
    edited = Path(shutil.copyfile(view, view.with_name(f"{view.name}.edited")))
    clips = folder / "data/exports/clips"
    shutil.copytree(view.parent, clips, ignore=shutil.ignore_patterns("_reelmill", "*.edited"))
    said = forget(folder, "private.mp4", "--yes", "-o", "json")
    assert said.code == 65
    wanted = {path.relative_to(folder / "data").as_posix() for path in (edited, clips / view.name)}
    copied = {path.relative_to(folder / "data").as_posix() for path in clips.rglob("private*.mp4")}
    assert len(copied) == 3
    assert set(json.loads(reelmill("check", folder / "pipeline.yaml", "--forgotten", "-o", "json").out)[0]["left"]) == (
        wanted | copied
    )
    edited.unlink()
    shutil.rmtree(clips)
    assert reelmill("check", folder / "pipeline.yaml", "--forgotten").code == 0


def test_016_f08_what_is_of_something_else_is_released(folder: Path) -> None:
    forget(folder, "private.mp4", "--yes")
    assert "nothing to release" in forget(folder, "private.mp4", "--release").err
    notes = folder / "data/notes.txt"
    notes.write_text("our private.mp4 policy\n")
    assert forget(folder, "private.mp4").code == 65
    said = forget(folder, "private.mp4", "--release")
    assert "notes.txt" in said.err
    assert "use --yes" in said.err
    assert forget(folder, "private.mp4").code == 65
    said = forget(folder, "private.mp4", "--release", "--yes")
    assert said.code == 0, said.err
    (record,) = [path for path in (folder / "data/_reelmill/forgotten/raw").iterdir() if ".names." not in path.name]
    (let,) = json.loads(record.read_text())["releases"]
    assert let["by"] == "default/forget"
    assert let["at"]
    assert "notes" not in record.read_text()
    assert forget(folder, "private.mp4").code == 0
    assert reelmill("check", folder / "pipeline.yaml", "--forgotten").code == 0
    (folder / "data/more.txt").write_text("private.mp4\n")
    assert forget(folder, "private.mp4").code == 65


def test_a_run_that_is_refused_for_a_file_that_stays_is_released(folder: Path) -> None:
    clip = next(path for path in (folder / "data/clips").rglob("*.mp4") if "private" in path.name)
    clip.write_bytes(b"of somebody else")
    said = forget(folder, "private.mp4", "--yes")
    assert said.code == 65
    assert clip.name in said.err
    assert "--release" in said.err
    run = reelmill("run", folder / "pipeline.yaml")
    assert run.code != 0
    assert "--release" in run.err
    assert forget(folder, "--release", "--yes").code == 0
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    assert clip.read_bytes() == b"of somebody else"
    assert forget(folder, "private.mp4").code == 0


def test_the_plan_of_another_source_of_the_name_is_no_answer_for_an_item_of_this_one(
    ran: Path, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(ran / "videos", tmp_path / "videos")
    other = tmp_path / "other.yaml"
    other.write_text((folder / "pipeline.yaml").read_text().replace(f"{ran}/videos", f"{tmp_path}/videos"))
    clip = next(path for path in (folder / "data/clips").rglob("*.mp4") if "private" in path.name)
    clip.write_bytes(b"of somebody else")
    assert forget(folder, "private.mp4", "--yes").code == 65
    said = reelmill("forget", other, "private.mp4", "--yes")
    assert said.code == 2
    assert "other items of raw are being forgotten" in said.err
    clip.unlink()
    (folder / "data/notes.txt").write_text("our private.mp4 policy\n")
    said = reelmill("forget", other, "--continue", "--yes")
    assert said.code == 65
    assert "remain in notes.txt" in said.err


TABLE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: rows}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, table: {uri: FOLDER/films.csv, base: FOLDER/videos, columns: {path: path, text: text}}}]
  stages: [{name: spans, clip: {by: length, length: 1s, mode: virtual}, failures: {tolerate: 100%}}]
"""


def test_growth_of_a_list_gives_no_other_key_to_a_forgotten_row(tmp_path: Path) -> None:
    def run(*rows: str) -> None:
        (tmp_path / "films.csv").write_text("\n".join(["path,text", *rows]) + "\n")
        said = reelmill("run", tmp_path / "pipeline.yaml")
        assert said.code == 0, said.err

    (tmp_path / "videos").mkdir()
    video = footage.video(seconds=2.0, size=(64, 48), audio=False, codec="libx264")
    for name in ("private", "other"):
        shutil.copyfile(video, tmp_path / f"videos/{name}.mp4")
    write(tmp_path, TABLE.replace("FOLDER", str(tmp_path)))
    run("private.mp4,one", "private.mp4,one", "other.mp4,two")
    assert forget(tmp_path, "private.mp4", "--yes").code == 0
    assert naming(tmp_path, "private") == []
    # A second row of this file, a copy of a row, and a file that is gone.
    run("private.mp4,one", "private.mp4,more", "other.mp4,two", "other.mp4,three", "other.mp4,two")
    assert naming(tmp_path, "private") == []
    (tmp_path / "videos/private.mp4").unlink()
    run("private.mp4,one", "private.mp4,one", "other.mp4,two", "other.mp4,three")
    assert naming(tmp_path, "private") == []
    rows = json.loads(reelmill("trace", tmp_path / "pipeline.yaml", "other.mp4", "-o", "json").out)
    assert rows
    assert status(tmp_path)["raw"]["items"] == 3  # the anonymous one, and two rows of the other file


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("nobody.mp4",), "has no item 'nobody.mp4'"),
        ((), "give the keys of items"),
        (("--continue",), "no items of raw are being forgotten"),
        (("private.mp4", "--source", "clips"), "no source named 'clips'"),
    ],
)
def test_what_cannot_be_forgotten_is_reported(folder: Path, arguments: tuple[str, ...], refusal: str) -> None:
    said = forget(folder, *arguments, "--yes")
    assert said.code == 2
    assert refusal in said.err


@pytest.mark.parametrize("options", [("--read-all",), ("--progress", "p.json"), ("--deep",), ("--stage", "clips")])
def test_a_search_takes_no_options_of_other_checks(options: tuple[str, ...]) -> None:
    said = reelmill("check", "pipeline.yaml", "--forgotten", *options)
    assert said.code == 2
    assert options[0] in said.err
