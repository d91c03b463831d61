"""Clips are right in containers in which seeks fail or lead into a picture, and whose times libraries derive."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import footage
from media import lying
from media.differential import full
from media.test_odd_streams import copied, encoded
from reelmill_stages.measuring.sound.samples import track
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.store  # needs no server, but starts many processes of ffmpeg


def test_a_program_stream_is_encoded_right_after_any_seek(tmp_path: Path) -> None:
    """Seeks land in a picture, whose time is then given to the next one."""
    options = ("-c:v", "mpeg2video", "-g", "5", "-bf", "1", "-q:v", "3", "-threads", "1", "-strict", "-2")
    source = lying.film(tmp_path, "film.mpg", frames=90, extra=options)
    numbers = [shown.number for shown in full(source)]
    for first in range(12, 88, 8):
        target = encoded(source, range(first, first + 3), tmp_path / "clip.mp4")
        assert lying.shown(target) == numbers[first : first + 3]


@pytest.mark.parametrize("between", [0, 1, 2])
def test_clips_from_asf_show_the_frames_of_their_span(between: int, tmp_path: Path) -> None:
    """Versions of FFmpeg derive other times of presentation from its times."""
    options = ("-c:v", "libx264", "-g", "5", "-bf", str(between), "-preset", "ultrafast")
    source = lying.film(tmp_path, "film.asf", frames=25, extra=options)
    for first in (0, 7, 16):
        target = encoded(source, range(first, first + 3), tmp_path / "clip.mp4")
        assert lying.shown(target) == [first, first + 1, first + 2]


def test_a_slide_in_an_avi_is_encoded_at_its_time(tmp_path: Path) -> None:
    pause = ("-vf", "setpts='PTS+gte(N,9)*3/TB'", "-fps_mode", "passthrough")
    source = lying.film(tmp_path, "film.avi", frames=25, extra=(*pause, "-c:v", "libx264", "-g", "1", "-bf", "0"))
    clip = encoded(source, range(5, 15), tmp_path / "clip.mp4")
    assert lying.shown(clip) == list(range(5, 15))
    times = read_timeline(source)
    expected = [times.seconds(index) - times.seconds(5) for index in range(5, 15)]
    assert [read_timeline(clip).seconds(index) for index in range(10)] == pytest.approx(expected, abs=0.002)
    assert 3 < expected[-1] < 5


@pytest.mark.parametrize("offset", ["-0.5", "-5"])
def test_a_matroska_file_that_begins_before_time_0_is_cut_and_heard(offset: str, tmp_path: Path) -> None:
    """Seeks pass the packets before time 0, or fail where the index is empty."""
    source = tmp_path / "film.mkv"
    tone = ("-f", "lavfi", "-i", "sine=700:r=16000:d=1.2", "-c:a", "pcm_s16le")
    options = ("-c:v", "libvpx-vp9", "-g", "250", "-deadline", "realtime", "-cpu-used", "8")
    early = ("-avoid_negative_ts", "disabled", "-output_ts_offset", offset)
    footage.ffmpeg(*lying.source(12), *tone, *options, *early, str(source))
    timeline = read_timeline(source)
    for write in (copied, encoded):
        assert lying.shown(write(source, range(3, 7), tmp_path / "clip.mp4")) == [3, 4, 5, 6]
    begin = Fraction(3, 10) + timeline.origin * timeline.time_base
    speech = speech_sound(source, begin, begin + Fraction(1, 5))
    assert speech is not None
    assert [np.abs(part.samples).max() > 1000 for part in speech.parts] == [True]
    with track(source) as sound:
        assert sound is not None
        assert sum(len(block.samples) for block in sound.heard(begin, begin + Fraction(1, 5))) > 3000
