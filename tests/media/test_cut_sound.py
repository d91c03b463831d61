"""The sound of a clip is the source's sound of the same moments."""

from pathlib import Path

import av
import numpy as np
import pytest

import footage
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.timeline.timeline import read_timeline

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "20")
SWEEP = "aevalsrc=0.5*sin(2*PI*(200*t+300*t*t)):s=44100:d=3"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video whose pitch rises, so that every moment sounds different."""
    silent = footage.video(seconds=3.0, size=(192, 112), options=X264, audio=False)
    path = tmp_path_factory.mktemp("sound") / "swept.mp4"
    footage.ffmpeg(
        "-i", str(silent), "-f", "lavfi", "-i", SWEEP, "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", str(path)
    )
    return path


def other(swept: Path, folder: Path, suffix: str, *options: str) -> Path:
    path = folder / f"other{suffix}"
    footage.ffmpeg("-i", str(swept), "-c", "copy", *options, str(path))
    return path


def samples(path: Path) -> tuple[float, np.ndarray]:
    """(seconds of the first sample after the first visible frame, samples)."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        begin = first.pts * first.time_base
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    at = float(frames[0].pts * frames[0].time_base - begin)
    return at, np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])


def lag(clip: Path, source: Path, start: float) -> int:
    """Samples by which the clip's sound is late against the source's, by the best match in its middle."""
    clip_at, heard = samples(clip)
    source_at, whole = samples(source)
    rate = 44100
    middle = heard[len(heard) // 2 : len(heard) // 2 + 4000]
    around = round((start - source_at + clip_at) * rate) + len(heard) // 2
    scores = [float(np.abs(whole[around + by : around + by + 4000] - middle).mean()) for by in range(-60, 61)]
    return int(np.argmin(scores)) - 60


@pytest.mark.parametrize(("suffix", "tolerance"), [(".mp4", 1), (".mkv", 50), (".ts", 2)])
def test_copied_sound_is_in_step_with_the_frames(swept: Path, tmp_path: Path, suffix: str, tolerance: int) -> None:
    """Matroska counts in milliseconds, so its own sound is that far off."""
    path = other(swept, tmp_path, suffix)
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        for start, end in ((0.52, 1.6), (1.0, 2.2)):
            cut = cut_at(timeline, start, end)
            video.copy(cut, video.slice_of(cut), tmp_path / "clip.mp4")
            assert abs(lag(tmp_path / "clip.mp4", path, start)) <= tolerance
            with av.open(str(tmp_path / "clip.mp4")) as container:
                assert all(stream.start_time == 0 for stream in container.streams)


def test_encoded_sound_is_in_step_with_the_frames(swept: Path, tmp_path: Path) -> None:
    timeline = read_timeline(swept)
    with remuxer(swept, timeline, audio=True) as video:
        encode(video, cut_at(timeline, 0.52, 1.6), tmp_path / "clip.mp4", Encoding(preset="ultrafast"))
    assert abs(lag(tmp_path / "clip.mp4", swept, 0.52)) <= 2


def test_sound_that_begins_after_the_clip_stays_where_it_was(swept: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.mp4"
    footage.ffmpeg(
        "-i", str(swept), "-itsoffset", "1", "-i", str(swept), "-map", "0:v", "-map", "1:a", "-c", "copy", str(late)
    )
    timeline = read_timeline(late)
    with remuxer(late, timeline, audio=True) as video:
        cut = cut_at(timeline, 0.52, 2.0)
        video.copy(cut, video.slice_of(cut), tmp_path / "clip.mp4")
    at, _ = samples(tmp_path / "clip.mp4")
    assert at == pytest.approx(0.48, abs=0.03)


def test_dropped_sound_leaves_no_audio_stream(swept: Path, tmp_path: Path) -> None:
    timeline = read_timeline(swept)
    with remuxer(swept, timeline, audio=False) as video:
        cut = cut_at(timeline, 0.52, 1.6)
        video.copy(cut, video.slice_of(cut), tmp_path / "copied.mp4")
        encode(video, cut, tmp_path / "encoded.mp4", Encoding(preset="ultrafast"))
    for name in ("copied.mp4", "encoded.mp4"):
        with av.open(str(tmp_path / name)) as container:
            assert not container.streams.audio
