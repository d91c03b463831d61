"""Pictures have the shape that people see: wide pixels, hidden borders and turns are applied by every path alike."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import footage
from cliprig import Rig
from cliprig import done as clip_done
from frames.workplace import done as sample_done
from frames.workplace import item
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.media.cutting.stored_frames import border_filters
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render, shown_size
from reelmill_stages.media.timeline.shape import Shape
from reelmill_stages.media.timeline.timeline import read_timeline


def wide(folder: Path, *extra: str, aspect: str = "2/1") -> Path:
    """White, 64x48 stored, its pixels wider or narrower than high."""
    target = folder / "wide.mp4"
    graph = f"color=white:s=64x48:r=10:d=1,setsar={aspect},format=yuv420p"
    footage.ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "libx264", "-g", "10", *lying.BASE, *extra, str(target))
    return target


def seen(path: Path) -> tuple[int, int]:
    timeline = read_timeline(path)
    (picture,) = decode(path, timeline, [0])
    return shown_size(picture.frame, Turned(timeline.shape).of(picture.frame))


@pytest.mark.parametrize(
    ("aspect", "size"), [("2/1", (128, 48)), ("1/2", (32, 48)), ("8/9", (57, 48)), ("1/1", (64, 48)), ("0", (64, 48))]
)
def test_the_width_follows_the_aspect_of_pixels(aspect: str, size: tuple[int, int], tmp_path: Path) -> None:
    assert seen(wide(tmp_path, aspect=aspect)) == size


def test_wide_pixels_of_a_turned_picture_are_high(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    footage.ffmpeg("-display_rotation", "90", "-i", str(wide(tmp_path)), "-c", "copy", str(turned))
    assert seen(turned) == (48, 128)


def test_letterboxes_and_crops_keep_the_shape_that_people_see(tmp_path: Path) -> None:
    path = wide(tmp_path)
    made = sample_done(tmp_path, item(path), count=16, layout="npy", fit="letterbox", width=128, height=128).items[0]
    white = np.nonzero((np.load(made.files[0].path)[0, ..., 0] > 128).any(axis=1))[0]
    assert (white.min(), len(white)) == (40, 48)
    assert made.provenance["shape"] == {"aspect": "2"}


def test_copied_and_encoded_clips_keep_the_aspect_of_pixels(tmp_path: Path) -> None:
    path = wide(tmp_path)
    for mode in ("copy", "reencode"):
        rig = Rig(tmp_path)
        (result,) = rig.run([rig.item("a", path, vid="v", start=0.0, end=0.5)], mode=mode)
        (clip,) = clip_done(result).items
        assert seen(clip.files[0].path) == (128, 48)
        assert clip.provenance["shape"] == {"aspect": "2"}
        assert clip_done(result).counters == {"shape": 1}


def test_a_border_that_the_container_hides_is_hidden_on_every_way(tmp_path: Path) -> None:
    path = lying.bordered(tmp_path)
    assert read_timeline(path).shape.crop == (16, 16, 8, 8)
    for mode in ("copy", "reencode"):
        rig = Rig(tmp_path)
        (result,) = rig.run([rig.item("a", path, vid="v", start=0.0, end=1.0)], mode=mode, crf=4)
        for film in (path, clip_done(result).items[0].files[0].path):
            timeline = read_timeline(film)
            (picture,) = decode(film, timeline, [3])
            turned = Turned(timeline.shape).of(picture.frame)
            assert shown_size(picture.frame, turned) == (64, 48)
            assert render(picture.frame, width=64, height=48, turned=turned).min() > 200


def test_an_ffmpeg_without_borders_is_told_to_cut_them() -> None:
    shape = Shape(crop=(16, 8, 4, 2))
    assert border_filters(shape, (5, 1, 6)) == ["crop=iw-24:ih-6:16:4:exact=1"]
    assert border_filters(shape, (7, 1)) == border_filters(shape, ()) == border_filters(Shape(), (5, 1)) == []
    with pytest.raises(ItemError, match=r"needs ffmpeg 7\.1, this is 5\.1"):
        border_filters(replace(shape, turned=True), (5, 1))


def test_square_pixels_that_are_all_shown_are_nothing_to_tell(tmp_path: Path) -> None:
    timeline = read_timeline(lying.film(tmp_path, "plain.mp4"))
    assert timeline.shape.aspect == Fraction(1)
    assert timeline.special_properties() == {}


def test_a_turn_that_only_the_bitstream_contains_is_applied_and_copied(tmp_path: Path) -> None:
    plain, turned = lying.film(tmp_path, "plain.mp4"), tmp_path / "turned.mp4"
    told = "h264_metadata=display_orientation=insert:rotate=90"
    footage.ffmpeg("-i", str(plain), "-c", "copy", "-bsf:v", told, str(turned))
    rig = Rig(tmp_path)
    for mode in ("copy", "reencode"):
        (result,) = rig.run([rig.item("a", turned, vid="v", start=1.0, end=2.0)], mode=mode)
        for film in (turned, clip_done(result).items[0].files[0].path):
            timeline = read_timeline(film)
            for picture in decode(film, timeline, [0, 5]):
                upright = Turned(timeline.shape).of(picture.frame)
                assert shown_size(picture.frame, upright) == (48, 64)
                pixels = render(picture.frame, width=48, height=64, turned=upright)
                first = 0 if film == turned else 10
                shows = lying.number(np.ascontiguousarray(np.rot90(pixels[..., 1], 3)).tobytes(), 64)
                assert shows == first + picture.index
