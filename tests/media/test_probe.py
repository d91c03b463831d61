"""The first look at a file: what it holds, or the one word for what is wrong with it."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.media.container.probe import probe

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p")


def good() -> Path:
    return footage.video(seconds=2.0, size=(208, 112), options=(*X264, "-g", "20"))


def test_a_file_tells_container_duration_and_streams() -> None:
    seen = probe(good())
    assert "mp4" in seen.container
    assert seen.duration == pytest.approx(2.0)
    assert (seen.main.codec, seen.main.width, seen.main.height, seen.main.fps) == ("h264", 208, 112, Fraction(25))
    assert (seen.main.pixel_format, seen.main.rotation, seen.main.start) == ("yuv420p", 0, 0)
    assert [(stream.codec, stream.rate, stream.channels) for stream in seen.audio] == [("aac", 44100, 1)]


def test_rotation_and_the_start_of_a_stream_are_reported(tmp_path: Path) -> None:
    turned, late = tmp_path / "turned.mp4", tmp_path / "late.ts"
    footage.ffmpeg("-display_rotation", "90", "-i", str(good()), "-c", "copy", str(turned))
    footage.ffmpeg("-i", str(good()), "-c", "copy", str(late))
    assert probe(turned).main.rotation == 90
    assert probe(late).main.start > 0
    assert probe(late).main.time_base == Fraction(1, 90000)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    covered = tmp_path / "song.m4a"
    footage.ffmpeg(
        "-i", str(good()), "-map", "0:a", "-map", "0:v", "-c:a", "copy", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p",
        "-frames:v", "1", "-disposition:v", "attached_pic", str(covered),
    )  # fmt: skip
    with pytest.raises(ItemError) as caught:
        probe(covered)
    assert caught.value.reason == "no_video"


def bad(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.avi" if kind == "zero_duration" else folder / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "corrupt":
        path.write_bytes(b"this is no video at all, " * 400)
    elif kind == "truncated":
        path.write_bytes(good().read_bytes()[:5000])
    elif kind == "no_video":
        footage.ffmpeg("-i", str(good()), "-vn", "-c", "copy", str(path))
    elif kind == "zero_duration":
        with av.open(str(good())) as container, av.open(str(path), "w") as empty:
            empty.add_stream_from_template(container.streams.video[0], opaque=True)
            empty.start_encoding()
    return path


@pytest.mark.parametrize("kind", ["missing", "empty", "corrupt", "truncated", "no_video", "zero_duration"])
def test_a_bad_file_has_one_reason(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ItemError) as caught:
        probe(bad(kind, tmp_path))
    assert caught.value.reason == kind
    assert f"{kind}." in caught.value.what
    assert str(tmp_path) not in caught.value.what
