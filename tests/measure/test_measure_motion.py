"""What changes between frames: cuts as PySceneDetect finds them, known motions, and pictures that stand still."""

from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scenedetect import ContentDetector, FrameTimecode, StatsManager

from measure.clips import ALL, logged, made, measures, numbers, raw
from reelmill_stages.measuring.pictures.camera import Camera, camera_motions, sampled
from reelmill_stages.measuring.pictures.motion import CUT, Pairs, content_score
from reelmill_stages.measuring.pictures.planes import FLOW_SCALE, Planes, small_size

FPS = 10
MOTION = {**ALL, "sound": False, "picture": False}


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with detail at all sizes."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    found = sum(s * cv2.GaussianBlur(noise, (0, 0), s) for s in (2, 4, 8))
    return np.clip(126 + 40 * found / (found.std() or 1), 16, 235).astype(np.uint8)


def moved(count: int, matrix_of: object, size: tuple[int, int] = (180, 320)) -> np.ndarray:
    """Frames of which number n shows a large texture through matrix_of(n)."""
    height, width = size
    large = texture(3 * height, 3 * width)
    shift = np.array([[1, 0, -width], [0, 1, -height], [0, 0, 1]], float)
    frames = []
    for number in range(count):
        matrix = np.vstack([matrix_of(number), [0, 0, 1]]) @ shift
        frames.append(cv2.warpPerspective(large, matrix, (width, height), flags=cv2.INTER_AREA))
    return np.array(frames)


def shift(x: float, y: float) -> object:
    return lambda number: np.array([[1, 0, x * number], [0, 1, y * number]], float)


def turn(degrees: float, scale: float) -> object:
    return lambda number: cv2.getRotationMatrix2D((160, 90), degrees * number, scale**number)


DIAGONAL = float(np.hypot(320, 180))


@pytest.mark.parametrize(
    ("name", "motion", "speed"),
    [
        ("pan", shift(6, 0), 6 * FPS / DIAGONAL),
        ("pan", shift(-3, 0.5), np.hypot(3, 0.5) * FPS / DIAGONAL),
        ("tilt", shift(0, 4), 4 * FPS / DIAGONAL),
        ("zoom", turn(0, 1.03), None),
        ("roll", turn(2, 1), None),
        ("static", shift(0, 0), 0.0),
        ("mixed", shift(4, 4), np.hypot(4, 4) * FPS / DIAGONAL),
    ],
)
def test_005_f04_known_motions_are_named_and_measured(
    name: str, motion: object, speed: float | None, tmp_path: Path
) -> None:
    found = measures(raw("move.mp4", tmp_path, moved(12, motion), fps=FPS), tmp_path, **MOTION)
    assert found["camera"] == name
    assert found["cuts"] == 0
    if speed is not None:
        assert found["motion"] == pytest.approx(speed, rel=0.1, abs=0.002)
        assert found["static"] == float(speed == 0)


def test_a_camera_that_goes_to_and_fro_shakes(tmp_path: Path) -> None:
    places = np.random.default_rng(1).uniform(-6, 6, (20, 2))
    frames = moved(20, lambda number: np.array([[1, 0, places[number][0]], [0, 1, places[number][1]]]))
    assert measures(raw("shake.mp4", tmp_path, frames, fps=FPS), tmp_path, **MOTION)["camera"] == "shake"


def test_what_moves_in_front_of_a_still_camera_is_motion_but_not_of_the_camera(tmp_path: Path) -> None:
    frames = np.repeat(texture(180, 320)[None], 12, axis=0)
    patch = texture(80, 80, seed=5)
    for number, frame in enumerate(frames):
        frame[50:130, 20 + 12 * number : 100 + 12 * number] = patch
    found = measures(raw("object.mp4", tmp_path, frames, fps=FPS), tmp_path, **MOTION)
    assert found["camera"] == "static"
    assert found["motion"] > 0.02


def test_a_turned_video_tilts_where_its_stored_frames_pan(tmp_path: Path) -> None:
    stored = raw("stored.mp4", tmp_path, moved(12, shift(6, 0)), fps=FPS)
    turned = made("turned.mp4", tmp_path, "-display_rotation", "90", "-i", str(stored), "-c", "copy")
    found = measures(turned, tmp_path, **MOTION)
    assert (found["camera"], found["width"], found["height"]) == ("tilt", 180, 320)


@given(
    st.tuples(*(st.floats(-0.3, 0.3) for _ in range(4))),
    st.integers(8, 90),
    st.integers(8, 160),
)
def test_a_flow_of_shift_zoom_and_roll_is_taken_apart(
    motion: tuple[float, float, float, float], height: int, width: int
) -> None:
    pan, tilt, zoom, roll = motion
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    reach = (width + height) / 4
    field = np.stack([pan + (zoom * x - roll * y) / reach, tilt + (zoom * y + roll * x) / reach], axis=-1)
    (found,) = camera_motions([sampled(field.astype(np.float32))])
    assert (found.pan, found.tilt, found.zoom, found.roll) == pytest.approx(motion, abs=2e-3)


def test_a_clip_without_motions_has_no_name() -> None:
    camera = Camera()
    assert camera.name is None
    camera.add(sampled(np.full((22, 40, 2), (0.1, 0), np.float32)))
    assert camera.name == "pan"


def test_a_motion_does_not_depend_on_the_pairs_that_are_fitted_with_it() -> None:
    chance = np.random.default_rng(2)
    flows = [sampled(chance.normal(size=(22, 40, 2)).astype(np.float32)) for _ in range(5)]
    alone = [camera_motions([flow])[0] for flow in flows]
    for one, other in zip(alone, camera_motions(flows), strict=True):
        assert astuple(one) == pytest.approx(astuple(other))


@given(st.integers(32, 400), st.integers(32, 400))
def test_the_flow_is_the_one_that_dis_finds_in_the_small_picture(height: int, width: int) -> None:
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    one, other = (Planes(texture(height, width, seed), chroma, chroma) for seed in (1, 2))
    judge = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    wanted = judge.calc(one.small, other.small, None)
    ours = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    ours.setFinestScale(0)
    found = ours.calc(one.flow_copy, other.flow_copy, None)
    assert np.array_equal(FLOW_SCALE * cv2.resize(found, wanted.shape[1::-1]), wanted)


def scenes(tmp_path: Path) -> Path:
    """Four shots of a film and of test pictures."""
    graph = (
        "testsrc2=s=320x180:d=1:r=25[a];mandelbrot=s=320x180:r=25,trim=end_frame=25[b];"
        "color=red:s=320x180:d=1:r=25[c];smptebars=s=320x180:d=1:r=25[d];[a][b][c][d]concat=n=4"
    )
    return made("scenes.mp4", tmp_path, "-filter_complex", graph, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "4")


@pytest.mark.store
def test_005_f04_cuts_are_those_of_the_content_detector_on_the_same_frames(tmp_path: Path) -> None:
    film = scenes(tmp_path)
    assert measures(film, tmp_path, **MOTION)["cuts"] == 3
    import av

    with av.open(film) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    stats = StatsManager()
    detector = ContentDetector(threshold=CUT, min_scene_len=1)
    detector.stats_manager = stats
    small = [cv2.resize(frame, small_size(320, 180), interpolation=cv2.INTER_AREA) for frame in frames]
    found = [cut.frame_num for n, f in enumerate(small) for cut in detector.process_frame(FrameTimecode(n, 25.0), f)]
    assert found == [25, 50, 75]


def test_the_score_of_two_frames_is_that_of_the_content_detector() -> None:
    one, other = texture(90, 160), texture(90, 160, seed=3)
    stats, scores = StatsManager(), []
    detector = ContentDetector()
    detector.stats_manager = stats
    for number, picture in enumerate((one, other)):
        detector.process_frame(FrameTimecode(number, 25.0), cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    scores = stats.get_metrics(FrameTimecode(1, 25.0), ["content_val"])
    hsv = [cv2.cvtColor(cv2.cvtColor(each, cv2.COLOR_GRAY2BGR), cv2.COLOR_BGR2HSV) for each in (one, other)]
    assert content_score(*hsv) == pytest.approx(scores[0])


@given(st.integers(1, 400), st.integers(1, 400))
@example(1, 400)
@example(400, 1)
@example(1, 1)
def test_pictures_of_every_size_have_motion(height: int, width: int) -> None:
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    one, other = (Planes(texture(height, width, seed), chroma, chroma) for seed in (1, 1))
    assert Pairs().change(one, other, 0.1).motion == pytest.approx(0, abs=0.05)


def test_a_pair_across_a_cut_has_no_motion() -> None:
    chroma = np.full((90, 160), 128, np.uint8)
    dark, light = (Planes(np.full((180, 320), level, np.uint8), chroma, chroma) for level in (20, 230))
    change = Pairs().change(dark, light, 0.1)
    assert (change.is_cut, change.motion, change.flow) == (True, None, None)


def test_frames_of_two_sizes_are_a_cut_and_are_measured_all_the_same(tmp_path: Path) -> None:
    parts = [made(f"{n}.ts", tmp_path, "-f", "lavfi", "-i", f"testsrc2=s={size}:d=0.4:r=10", "-c:v", "mpeg2video")
             for n, size in enumerate(("320x240", "160x240"))]  # fmt: skip
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = measures(joined, tmp_path, **ALL)
    assert found["cuts"] == 1
    assert found["width"] == 320
    assert found["frames"] >= 7


@pytest.mark.store
def test_005_f04_freezes_are_those_of_freezedetect(tmp_path: Path) -> None:
    film = made(
        "freeze.mp4", tmp_path, "-f", "lavfi", "-i", "testsrc2=s=320x180:d=4:r=10", "-vf",
        "loop=loop=12:size=1:start=10,setpts=N/10/TB", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "4",
    )  # fmt: skip
    found = measures(film, tmp_path, **MOTION)
    frozen = numbers(r"freeze_duration: ([\d.]+)", logged(film, "-vf", "freezedetect=n=0.001:d=0.5"))
    assert frozen == [pytest.approx(1.3, abs=0.05)]
    assert found["freeze"] == pytest.approx(frozen[0] / found["duration"], abs=0.002)
    sampled = measures(film, tmp_path, sound=False, picture=False, frames={"fps": 5})
    assert sampled["freeze"] == pytest.approx(found["freeze"], abs=0.11)


def test_a_picture_that_is_shown_for_long_stands_still_although_it_is_one_frame(tmp_path: Path) -> None:
    film = made(
        "slides.mkv", tmp_path, "-f", "lavfi", "-i", "testsrc2=s=320x180:d=2:r=10", "-vf",
        "select='not(between(n,3,14))'", "-fps_mode", "vfr", "-c:v", "libx264",
    )  # fmt: skip
    found = measures(film, tmp_path, sound=False, picture=False, frames={"fps": 10})
    assert found["freeze"] == pytest.approx(1.3 / 2, abs=0.02)
    assert found["static"] == pytest.approx(12 / 19, abs=0.01)
