"""Streams that begin in the middle of a file, of which demuxers know nothing before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

import footage
from reelmill_stages.media.container.demux import decoded, opened
from reelmill_stages.media.decoding.loudness import loudness
from reelmill_stages.media.timeline.timeline import read_timeline

AUDIO = 0xC0


@pytest.fixture
def late(tmp_path: Path) -> Path:
    """A program stream whose second sound is heard only in the middle."""
    extra = ("-c:a", "mp2", "-f", "mpeg")
    whole, short = (
        footage.video(seconds=seconds, size=(64, 48), codec="mpeg1video", container="mpg", extra=extra).read_bytes()
        for seconds in (8.0, 1.0)
    )
    path = tmp_path / "late.mpg"
    second = short.replace(bytes([0, 0, 1, AUDIO]), bytes([0, 0, 1, AUDIO + 1]))
    path.write_bytes(whole + second + whole)
    return path


def frames(path: Path, kind: str) -> int:
    with opened(path, sound=True) as container:
        return sum(1 for _ in decoded(container, getattr(container.streams, kind)[0]))


def sound_is_measured(path: Path) -> None:
    with opened(path, sound=True) as container:
        index = container.streams.audio[0].index
    assert loudness(path, index)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda path: read_timeline(path), id="timeline"),
        pytest.param(lambda path: frames(path, "video"), id="pictures"),
        pytest.param(lambda path: frames(path, "audio"), id="sound"),
        pytest.param(sound_is_measured, id="loudness"),
    ],
)
def test_the_end_of_a_file_with_streams_that_begin_late_is_no_error(act: Callable[[Path], object], late: Path) -> None:
    act(late)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_frames_are_those_of_a_plain_loop(codec: str) -> None:
    path = footage.video(size=(64, 48), codec=codec, options=("-bf", "2"))
    for kind in ("video", "audio"):
        with av.open(str(path)) as container:
            plain = [_form(frame) for frame in container.decode(**{kind: 0})]
        with av.open(str(path)) as container:
            assert [_form(frame) for frame in decoded(container, getattr(container.streams, kind)[0])] == plain


def _form(frame: Any) -> tuple[object, ...]:
    return frame.pts, frame.time_base, frame.to_ndarray().tobytes()
