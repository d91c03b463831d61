"""What a clip sounds like, judged by FFmpeg's command, by pyloudnorm and by brute force over the samples."""

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliprig import Rig, done
from measure.clips import Desk, item_of, logged, made, measured, measures, numbers
from reelmill.contract.counters import StageCounter
from reelmill.contract.records.rows import Item, Media, Span
from reelmill_stages.measuring.sound.loudness import FULL_SCALE, Meter
from reelmill_stages.stage import Done

SOUND = {"picture": False, "motion": False}
PICTURE = ("-f", "lavfi", "-i", "color=s=64x64:d={seconds}:r=10")


def film(name: str, tmp_path: Path, sound: str, seconds: float, *options: str) -> Path:
    picture = [each.format(seconds=seconds) for each in PICTURE]
    return made(name, tmp_path, *picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", *(options or ("-c:a", "flac")))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sounds")
    noise = "anoisesrc=d=4:c=pink:r=48000:a=0.4:seed=3"
    return [
        film("noise.mkv", folder, noise, 4),
        film("stereo.mkv", folder, f"{noise},aformat=channel_layouts=stereo,volume=0.3,tremolo=f=0.5", 4),
        film(
            "beeps.mp4",
            folder,
            "sine=f=500:b=2:d=4:r=44100,volume='if(between(t,1,2.5),0,1)':eval=frame",
            4,
            "-c:a",
            "aac",
        ),
        film("loud.mkv", folder, "sine=f=997:d=4:r=48000,volume=12,aformat=s16", 4),
    ]


def samples(path: Path) -> tuple[np.ndarray, int]:
    with av.open(path) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout=stream.layout, rate=stream.rate)
        frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
        channels = stream.layout.nb_channels
        return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in frames]), stream.rate


@pytest.mark.store
def test_loudness_and_true_peak_are_those_of_the_command(films: list[Path], tmp_path: Path) -> None:
    for each in films:
        found, judge = measures(each, tmp_path, **SOUND), logged(each, "-af", "ebur128=peak=true")
        assert found["loudness"] == pytest.approx(numbers(r"I:\s+(-?[\d.]+) LUFS\n\s+Threshold", judge)[-1], abs=0.1)
        assert found["true_peak"] == pytest.approx(numbers(r"Peak:\s+(-?[\d.]+) dBFS", judge)[-1], abs=0.1)


@pytest.mark.store  # needs no server, but the seconds that this tier may take: it imports scipy
def test_005_f05_loudness_is_that_of_another_implementation_of_the_standard(films: list[Path], tmp_path: Path) -> None:
    import pyloudnorm  # with scipy, which every process of the tests would import

    for each in films:
        data, rate = samples(each)
        assert measures(each, tmp_path, **SOUND)["loudness"] == pytest.approx(
            pyloudnorm.Meter(rate).integrated_loudness(data), abs=0.3
        )


@pytest.mark.store
def test_005_f05_silence_is_that_of_the_command(films: list[Path], tmp_path: Path) -> None:
    for each in films:
        judge = logged(each, "-af", "silencedetect=n=-50dB:d=0.5")
        seconds = len(samples(each)[0]) / samples(each)[1]
        wanted = sum(numbers(r"silence_duration: ([\d.]+)", judge)) / seconds
        assert measures(each, tmp_path, **SOUND)["silence"] == pytest.approx(wanted, abs=0.001)


def test_silence_at_the_end_counts(tmp_path: Path) -> None:
    quiet = film("quiet.mkv", tmp_path, "sine=d=3:r=48000,volume='if(lt(t,1),1,0)':eval=frame", 3)
    assert measures(quiet, tmp_path, **SOUND)["silence"] == pytest.approx(2 / 3, abs=0.01)


def test_clipping_is_the_share_of_samples_at_full_scale(films: list[Path], tmp_path: Path) -> None:
    for each in films:
        data, _ = samples(each)
        found = measures(each, tmp_path, **SOUND)["clipping"]
        assert found == pytest.approx(float((np.abs(data) >= FULL_SCALE).mean()), rel=1e-5)
    assert found > 0.2


def test_silence_has_no_loudness_and_no_peak_rather_than_minus_infinity(tmp_path: Path) -> None:
    found = measures(film("none.mkv", tmp_path, "anullsrc=r=48000:d=2", 2), tmp_path, **SOUND)
    assert found["silence"] == 1
    assert not {"loudness", "true_peak"} & set(found)


def test_005_f09_a_clip_without_sound_has_no_measure_of_it_and_is_counted(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    mute = made("mute.mp4", tmp_path, "-f", "lavfi", "-i", "color=s=64x64:d=1:r=10", "-c:v", "libx264")
    (result,) = measured([rig.item("a", mute)], rig)
    found = done(result).items[0].fields["measures"]
    assert found["audio_streams"] == 0
    assert not {"loudness", "true_peak", "silence", "clipping", "audio_length_difference"} & set(found)
    assert done(result).counters == {StageCounter.NO_SOUND: 1}


def test_005_f06_of_several_audio_streams_the_first_is_measured_and_named(tmp_path: Path) -> None:
    inputs = [word for graph in ("anullsrc=r=48000:d=2", "sine=d=2:r=48000") for word in ("-f", "lavfi", "-i", graph)]
    maps = ("-map", "0", "-map", "1", "-map", "2", "-disposition:a:1", "default")
    picture = ("-f", "lavfi", "-i", "color=s=64x64:d=2:r=10")
    both = made("both.mkv", tmp_path, *picture, *inputs, *maps, "-c:v", "libx264", "-c:a", "flac")
    item = item_of(both, tmp_path, **SOUND)
    assert item.fields["measures"]["audio_streams"] == 2
    assert item.fields["measures"]["silence"] == 1
    assert item.provenance["measured"]["audio_stream"] == 1


def test_sound_that_is_shorter_than_the_picture_tells_by_how_much(tmp_path: Path) -> None:
    for seconds, picture in ((1.0, 2), (3.0, 2)):
        one = film(f"{seconds}.mkv", tmp_path, f"sine=d={seconds}:r=48000", picture)
        found = measures(one, tmp_path, **SOUND)["audio_length_difference"]
        assert found == pytest.approx(seconds - picture, abs=0.01)


def test_the_sound_of_a_span_is_that_of_its_samples(films: list[Path], tmp_path: Path) -> None:
    beeps = films[2]
    rig = Desk(tmp_path, {"s3://raw/v.mp4": beeps})
    items = [
        Item(f"{start}", 0, "g", 1.0, Media("s3://raw/v.mp4", 1, source="raw", span=Span(start, end)))
        for start, end in ((0.0, 1.0), (1.0, 2.5), (2.5, 4.0))
    ]
    found = [done(result).items[0].fields["measures"] for result in measured(items, rig, **SOUND)]
    assert [one["silence"] for one in found] == [0, pytest.approx(1, abs=0.06), 0]
    assert [one["audio_length_difference"] for one in found] == pytest.approx([0, 0, 0], abs=0.002)


def test_damaged_packets_of_sound_are_left_out_and_counted(tmp_path: Path) -> None:
    whole = film("whole.mkv", tmp_path, "anoisesrc=d=4:r=48000:a=0.5:seed=1", 4, "-c:a", "flac")
    content = bytearray(whole.read_bytes())
    place = len(content) // 2
    content[place : place + 3000] = bytes(3000)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(content)
    rig = Desk(tmp_path)
    (result,) = measured([rig.item("a", broken)], rig, **SOUND)
    if isinstance(result, Done):
        assert done(result).counters[StageCounter.DAMAGED_SOUND] == 1
        assert done(result).items[0].provenance["measured"]["damaged_packets"] >= 1


@pytest.mark.parametrize("layout", ["mono", "stereo", "2 channels", "5.1", "7.1", "16 channels"])
@pytest.mark.parametrize("value", [0.1, float("nan"), float("inf")])
def test_every_layout_gives_only_numbers_whatever_its_samples(layout: str, value: float) -> None:
    meter = Meter(48_000, layout)
    meter.add(np.full((48_000, av.AudioLayout(layout).nb_channels), value, np.float32))
    assert all(np.isfinite(each) for each in meter.end().values())


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.sampled_from([8000, 22050, 48000]))
def test_the_measures_do_not_depend_on_how_samples_are_cut(sizes: list[int], rate: int) -> None:
    total = sum(sizes)
    data = (0.5 * np.sin(np.arange(total) / 7))[:, None].astype(np.float32)
    whole, parts = Meter(rate, "mono"), Meter(rate, "mono")
    whole.add(data)
    at = 0
    for size in sizes:
        parts.add(data[at : at + size])
        at += size
    assert whole.end() == parts.end()
