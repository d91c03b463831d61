"""Regions are hidden in every frame; all other pixels are those of the same conversion without `hide`."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import cliprig
import footage
from cliprig import Rig, done
from reelmill.contract.spec.pipeline import StageSpec
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input

pytestmark = pytest.mark.store  # encodes films

CORNER = {"left": 0.7, "top": 0.1, "width": 0.2, "height": 0.25}
"""In 192 by 112 pixels: columns 134 to 174, rows 10 to 40, after extension to even numbers."""
BOX = (slice(10, 40), slice(134, 174))
LOSSLESS = {"crf": 0, "preset": "ultrafast"}


def film(**options: Any) -> Path:
    noise = ("-vf", "noise=alls=60:allf=t:all_seed=7", *cliprig.X264, "-crf", "10")
    return cliprig.video(1.0, options=noise, **options)


def normalised(folder: Path, path: Path, **params: Any) -> Done:
    made = stage("normalise", {**LOSSLESS, **params})
    made.check()
    folder.mkdir(exist_ok=True)
    rig = Rig(folder)
    (result,) = made.process([Input(rig.item("a", path), 0)], rig)
    return done(result)


def written(result: Done) -> Path:
    ((file,),) = (item.files for item in result.items)
    return file.path


def planes(path: Path) -> list[list[np.ndarray]]:
    """The samples of every frame: brightness, and two of colour, each (height, width)."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            lines = [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in frame.planes]
            found.append([line[:, : plane.width].copy() for line, plane in zip(lines, frame.planes, strict=True)])
    return found


def detail(samples: np.ndarray) -> float:
    """The mean difference of neighbouring samples."""
    return float(np.abs(np.diff(samples.astype(int), axis=1)).mean())


def with_other_codec(folder: Path) -> Path:
    """The film in lossless form in another codec, so that a conversion without `hide` encodes it too."""
    target = folder / "film.mkv"
    footage.ffmpeg("-i", str(film()), "-c:v", "ffv1", "-c:a", "copy", str(target))
    return target


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize("method", ["box", "blur"])
def test_010_f08_only_the_pixels_of_the_region_change(method: str, pixel_format: str, tmp_path: Path) -> None:
    path = with_other_codec(tmp_path)
    plain = planes(written(normalised(tmp_path / "plain", path, pixelFormat=pixel_format)))
    hide = {"regions": [CORNER], "method": method}
    result = normalised(tmp_path / "hidden", path, pixelFormat=pixel_format, hide=hide)
    hidden = planes(written(result))
    assert len(hidden) == len(plain) == 25
    for before, after in zip(plain, hidden, strict=True):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            share = 2 if number and pixel_format == "yuv420p" else 1
            box = tuple(slice(side.start // share, side.stop // share) for side in BOX)
            outside = np.ones(old.shape, bool)
            outside[box] = False
            assert (old[outside] == new[outside]).all()
            if method == "box":
                assert (new[box] == (128 if number else 16)).all()
            elif not number:
                assert detail(new[box]) < detail(old[box]) / 8
    assert "hidden" in result.items[0].fields["normalised"]
    assert result.items[0].provenance["params"]["hide"]["regions"] == [CORNER]
    assert result.counters["hidden"] == 1


def test_010_f08_a_conforming_video_is_never_passed_through_unhidden(tmp_path: Path) -> None:
    assert normalised(tmp_path / "plain", film()).counters == {"unchanged": 1}
    result = normalised(tmp_path / "hidden", film(), hide={"regions": [CORNER]})
    assert result.counters == {"sound_copied": 1, "hidden": 1}
    assert result.items[0].fields["normalised"] == ["hidden"]
    assert all((frame[0][BOX] == 16).all() for frame in planes(written(result)))


def test_regions_are_those_of_the_scaled_picture_and_may_overlap(tmp_path: Path) -> None:
    upper = {"left": 0, "top": 0, "width": 0.5, "height": 0.5}
    lower = {"left": 0.25, "top": 0.25, "width": 0.75, "height": 0.75}
    result = normalised(tmp_path, film(), maxSide=96, hide={"regions": [upper, lower]})
    for frame in planes(written(result)):
        assert frame[0].shape == (56, 96)
        assert (frame[0][:28, :48] == 16).all()
        assert (frame[0][14:, 24:] == 16).all()
        assert (frame[0][:14, 48:] != 16).any()


def test_blurred_regions_have_the_same_bytes_in_every_run(tmp_path: Path) -> None:
    hide = {"regions": [CORNER, {"left": 0, "top": 0.9, "width": 1, "height": 0.1}], "method": "blur"}
    first, second = (written(normalised(tmp_path / name, film(), hide=hide)) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_region_of_less_than_a_pixel_hides_the_pixels_that_it_touches(tmp_path: Path) -> None:
    path = with_other_codec(tmp_path)
    speck = {"left": 0.5, "top": 0.5, "width": 0.001, "height": 0.001}
    plain = planes(written(normalised(tmp_path / "plain", path)))
    for method, side in (("box", 2), ("blur", 8)):
        result = normalised(tmp_path / method, path, hide={"regions": [speck], "method": method})
        hidden = planes(written(result))
        assert len(hidden) == 25
        for before, after in zip(plain, hidden, strict=True):
            for samples, changed, part in zip(before, after, (side, side // 2, side // 2), strict=True):
                rows, columns = np.nonzero(samples != changed)
                height, width = samples.shape
                assert {*rows} <= {*range(height // 2, height // 2 + part)}
                assert {*columns} <= {*range(width // 2, width // 2 + part)}
                assert part == 1 or len(rows) > part * part / 4


def test_a_region_beyond_the_picture_is_refused() -> None:
    hide = {"regions": [{"left": 0.9, "top": 0, "width": 0.2, "height": 0.1}]}
    spec = StageSpec.model_validate({"name": "shaped", "normalise": {"hide": hide}})
    (problem,) = spec.block.refusals()
    assert "hide.regions[0] extends beyond the picture" in problem


def test_regions_are_hidden_in_frames_of_every_size_of_one_video(tmp_path: Path) -> None:
    """A raw stream in which larger pictures follow; all are written in one size."""
    parts = []
    for number, size in enumerate(((192, 112), (384, 224))):
        part = tmp_path / f"{number}.h264"
        footage.ffmpeg("-i", str(film(size=size)), "-c:v", "copy", "-an", "-bsf:v", "h264_mp4toannexb", str(part))
        parts.append(part.read_bytes())
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(parts))
    for method in ("box", "blur"):
        result = normalised(tmp_path / method, joined, hide={"regions": [CORNER], "method": method})
        found = planes(written(result))
        assert {frame[0].shape for frame in found} == {(112, 192)}
        assert len(found) == 50
        if method == "box":
            assert all((frame[0][BOX] == 16).all() for frame in found)
        assert all(detail(frame[0][BOX]) < 3 for frame in found)


def test_regions_of_turned_videos_are_those_of_the_displayed_picture(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    footage.ffmpeg("-display_rotation", "90", "-i", str(film()), "-c", "copy", str(turned))
    region = {"left": 0, "top": 0, "width": 1, "height": 0.25}
    result = normalised(tmp_path / "hidden", turned, hide={"regions": [region]})
    assert "rotation" in result.items[0].fields["normalised"]
    for frame in planes(written(result)):
        assert frame[0].shape == (192, 112)
        assert (frame[0][:48] == 16).all()
        assert (frame[0][48:] != 16).any()
