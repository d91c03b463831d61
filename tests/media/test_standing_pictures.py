"""A frame is shown until the next one: slides and screen recordings lose nothing, and nothing else changes."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import exact
import footage
from cliprig import Rig
from cliprig import done as clip_done
from frames.workplace import done as sample_done
from frames.workplace import item
from media import lying
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.timeline.timeline import read_timeline

SPANS = {(2.5, 8.0): range(19, 30), (2.5, 6.0): range(19, 20), (1.0, 6.5): range(10, 20), (0.5, 1.5): range(5, 15)}


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lying.slides(tmp_path_factory.mktemp("slides"))


@pytest.mark.parametrize("mode", ["copy", "reencode"])
def test_a_clip_shows_what_is_on_screen_from_its_begin_to_its_end(mode: str, slides: Path, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    items = [rig.item(f"{n}", slides, vid="v", start=start, end=end) for n, (start, end) in enumerate(SPANS)]
    for result, ((start, end), frames) in zip(rig.run(items, mode=mode, crf=8), SPANS.items(), strict=True):
        clip = clip_done(result).items[0].files[0].path
        timeline = read_timeline(clip)
        assert lying.shown(clip) == list(frames)
        assert timeline.duration == pytest.approx(end - start, abs=0.002)
        held = max(0.0, 7.0 - start) if start > 1.9 else 0.1
        assert [timeline.seconds(index) for index in range(min(2, len(frames)))] == pytest.approx(
            [0.0, held][: len(frames)]
        )
        with av.open(str(clip)) as container:
            (sound,) = container.streams.audio
            assert float(sound.duration * sound.time_base) == pytest.approx(end - start, abs=0.03)


def test_a_copied_clip_that_begins_on_a_standing_frame_is_exact(slides: Path, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    (result,) = rig.run([rig.item("a", slides, vid="v", start=2.5, end=8)])
    assert clip_done(result).items[0].provenance["mode"] == "copy"
    clip = exact.shown(clip_done(result).items[0].files[0].path)
    assert [digest for _, digest in clip] == [digest for _, digest in exact.shown(slides)[19:]]


@pytest.mark.parametrize(
    ("span", "shown"),
    [((2.5, 8.0), [19, 19, 19, 19, 19, 25]), ((2.5, 6.0), [19] * 4), ((1.0, 6.5), [10, 19, 19, 19, 19, 19])],
)
def test_a_picture_every_second_repeats_the_one_that_stands(
    span: tuple[float, float], shown: list[int], slides: Path, tmp_path: Path
) -> None:
    result = sample_done(tmp_path, item(slides, span=span), fps=1, layout="npy", width=64, height=48)
    (file,) = result.items[0].files
    assert [lying.number(frame[..., 1].tobytes(), 64) for frame in np.load(file.path)] == shown
    provenance = result.items[0].provenance
    base = Fraction(provenance["time_base"])
    assert [float(provenance[at] * base) for at in ("in_pts", "out_pts")] == list(span)


def test_frames_of_an_even_rate_belong_to_the_span_in_which_they_begin() -> None:
    """Neighbours share no frame, and a span shorter than a frame shows nothing: as ever."""
    timeline = read_timeline(footage.video(seconds=2, fps=25, audio=True))
    assert timeline.window(0.41, 0.8) == range(11, 20)
    assert not timeline.window(1.001, 1.002)
    assert (cut_at(timeline, 0.41, 0.79).start, cut_at(timeline, 0.41, 0.79).end) == (11 * 512, 20 * 512)
    assert not timeline.window(3.0, 4.0)
