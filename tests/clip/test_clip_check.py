"""`reelmill check` of a folder of clips: what is right is said, what is wrong is found."""

import json
from pathlib import Path

import pytest

import cliprig
from cliprig import Committed, Rig, done
from reelmill_stages.format_checks import Finding
from reelmill_stages.registry import stage
from reelmill_stages.stages.clip.check import ClipsCheck


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of three clips."""
    scratch, export = tmp_path / "scratch", tmp_path / "export"
    scratch.mkdir()
    rig = Rig(scratch)
    items = [rig.item(f"{n}", cliprig.video(), vid="v", start=n, end=n + 0.8) for n in (0, 1, 2)]
    results = rig.run(items)
    (view,) = stage("clip", {}).present(Committed(results, scratch), {})
    (export / "0001" / "clips").mkdir(parents=True)
    for result in results:
        for file in done(result).items[0].files:
            (export / "0001" / file.name).write_bytes(file.path.read_bytes())
    (export / view.name).write_bytes(view.path.read_bytes())
    return export


def broken(folder: Path) -> list[tuple[str, str]]:
    return [(finding.file, finding.rule) for finding in ClipsCheck().check(folder) if not finding.ok]


def edit(folder: Path, number: int, **values: object) -> None:
    path = folder / "text_video_pairs.json"
    rows = json.loads(path.read_text())
    rows[number] |= values
    path.write_text(json.dumps(rows))


def test_good_clips_break_no_rule(folder: Path) -> None:
    assert ClipsCheck().detect(folder)
    findings = list(ClipsCheck().check(folder))
    assert all(finding.ok for finding in findings)
    assert {finding.file for finding in findings} == {
        "text_video_pairs.json", "0001/clips/v_0_0.mp4", "0001/clips/v_1_1.mp4", "0001/clips/v_2_2.mp4",
    }  # fmt: skip
    assert Finding("0001/clips/v_0_0.mp4", "frames", ok=True, message="20 of 20 frames can be decoded") in findings


def test_an_export_with_absolute_paths_is_good_too(folder: Path) -> None:
    stage("clip", {}).localise(folder / "text_video_pairs.json", folder)
    assert not broken(folder)


def test_other_folders_are_not_clips(tmp_path: Path) -> None:
    assert not ClipsCheck().detect(tmp_path)


def test_each_broken_rule_is_found_at_its_file(folder: Path) -> None:
    clips = folder / "0001" / "clips"
    (clips / "v_0_0.mp4").unlink()
    (clips / "v_1_1.mp4").write_bytes((clips / "v_2_2.mp4").read_bytes()[:4000])
    edit(folder, 2, duration=2.5, begin_time=7.0, end_time=9.5)
    assert broken(folder) == [
        ("0001/clips/v_0_0.mp4", "exists"),
        ("0001/clips/v_1_1.mp4", "opens"),
        ("0001/clips/v_2_2.mp4", "name"),
        ("0001/clips/v_2_2.mp4", "duration"),
    ]


@pytest.mark.parametrize(
    "values", [{"clip_path": 3}, {"begin_time": None}, {"clip_path": "0001/clips/v_0_0.mp4"}, {"clip_path": None}]
)
def test_a_bad_row_is_found(folder: Path, values: dict[str, object]) -> None:
    edit(folder, 1, **values)
    assert broken(folder) == [("text_video_pairs.json", "rows")]


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_a_view_that_is_not_a_list_is_one_finding(folder: Path, text: str) -> None:
    (folder / "text_video_pairs.json").write_text(text)
    assert broken(folder) == [("text_video_pairs.json", "rows")]
