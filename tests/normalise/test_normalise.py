"""Videos in one shape, judged with PyAV and the ffmpeg command line."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest

import footage
from cliprig import Rig, done
from media import lying
from media.test_sound_places import PICTURES, SOUND, tags, write_tags
from normalise.odd_films import FILMS, PLAIN, PQ, derived, plain
from reelmill.contract.errors import ItemError
from reelmill_stages.media.gpu import gpus
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Failed, Input
from reelmill_stages.stages.normalise.same_times import Times, times_of, verify_times

pytestmark = pytest.mark.store  # encodes dozens of films
FAST = {"preset": "ultrafast"}


def normalised(folder: Path, path: Path, **params: Any) -> Done:
    made = stage("normalise", {**FAST, **params})
    made.check()
    folder.mkdir(exist_ok=True)
    rig = Rig(folder)
    (result,) = made.process([Input(rig.item("a", path), 0)], rig)
    return done(result)


def output(result: Done) -> Path:
    ((file,),) = (item.files for item in result.items)
    return file.path


def numbers(path: Path) -> list[int]:
    """The numbers that the frames show."""
    with av.open(str(path)) as container:
        return [footage.frame_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def loudness(path: Path) -> tuple[float, float]:
    """(integrated loudness, true peak) as ffmpeg's loudnorm measures them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path), "-vn"]
    command += ["-af", "loudnorm=print_format=json", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    told = json.loads(re.findall(r"\{[^{}]*\}", said)[-1])
    return float(told["input_i"]), float(told["input_tp"])


def test_010_f01_what_is_in_shape_is_the_same_file(tmp_path: Path) -> None:
    result = normalised(tmp_path, plain(), maxSide=192, fps=25, sound={"rate": 44100, "channels": 1})
    (item,) = result.items
    assert item.media == Rig(tmp_path).item("a").media
    assert (item.files, item.fields["normalised"]) == ((), [])
    assert result.counters == {"unchanged": 1}


@pytest.mark.parametrize("word", FILMS)
def test_010_f02_what_is_not_in_shape_becomes_so_and_stays_so(word: str, tmp_path: Path) -> None:
    path, rate = FILMS[word](), {"fps": 25} if word == "rate" else {}
    result = normalised(tmp_path / "once", path, **rate)
    (item,) = result.items
    assert word in item.fields["normalised"]
    made = output(result)
    again = normalised(tmp_path / "again", made, **rate)
    assert again.counters == {"unchanged": 1}, again.items[0].fields["normalised"]
    with av.open(str(made)) as container:
        video, sound = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        frames = list(container.decode(video=0))
        assert (video.name, video.pix_fmt, sound.name) == ("h264", "yuv420p", "aac")
        assert {frame.rotation for frame in frames} == {0}
        assert not any(frame.interlaced_frame for frame in frames)
        assert container.streams.video[0].sample_aspect_ratio in (None, 1)
    before, after = (item.provenance[name] for name in ("before", "after"))
    assert after["frames"] == before["frames"] if not rate else abs(after["frames"] - 50) <= 1
    assert after["seconds"] == pytest.approx(before["seconds"], abs=0.04)
    assert after["sound"] == pytest.approx(before["sound"], abs=0.04)


def test_the_size_is_that_of_the_picture_as_it_is_seen(tmp_path: Path) -> None:
    def size(path: Path, **params: Any) -> tuple[int, int]:
        with av.open(str(output(normalised(tmp_path / path.stem, path, **params)))) as container:
            return container.streams.video[0].width, container.streams.video[0].height

    assert size(FILMS["rotation"]()) == (112, 192)
    assert size(FILMS["aspect"]()) == (256, 112)
    assert size(plain(), maxSide=96) == (96, 56)
    assert size(plain(size=(190, 118)), maxSide=101) == (100, 62)


def test_frames_are_the_same_frames(tmp_path: Path) -> None:
    made = output(normalised(tmp_path, FILMS["codec"](), crf=5))
    assert numbers(made) == list(range(50))


def test_010_f03_a_variable_rate_becomes_a_constant_one(tmp_path: Path) -> None:
    made = read_timeline(output(normalised(tmp_path / "a", FILMS["rate"](), fps=29.97)))
    steps = {after - before for before, after in zip(made.pts, made.pts[1:], strict=False)}
    assert len(steps) == 1
    assert steps.pop() * made.time_base == pytest.approx(1001 / 30000)
    ten = output(normalised(tmp_path / "b", plain(), fps=10, crf=5))
    shown = numbers(ten)
    assert len(shown) == 20
    assert all(abs(number - 2.5 * place) <= 1.5 for place, number in enumerate(shown))


def noise() -> Path:
    """A film with pink noise."""
    return derived("-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.1:seed=3:d=2:r=44100", "-map", "0:v",
                   "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k")  # fmt: skip


def begins(path: Path) -> float:
    """Seconds after the first picture at which something can be heard."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()).max(axis=0) > 0.02)
            if len(loud):
                return float(frame.time + loud[0] / frame.sample_rate - first)
    raise AssertionError("nothing can be heard")


@pytest.mark.parametrize("sound", [True, False])
def test_a_record_says_that_all_packets_were_copied_where_they_were(sound: bool, tmp_path: Path) -> None:
    """Where the settings of pictures change, ffmpeg copies the packets of the whole file."""
    parts = []
    for number, settings in enumerate(("cabac=1", "cabac=0")):
        part = tmp_path / f"{number}.flv"
        tone = ("-f", "lavfi", "-i", "sine=700:d=4:r=48000", "-c:a", "aac") if sound else ()
        pictures = ("-c:v", "libx264", "-g", "10", "-bf", "0", "-x264-params", settings)
        footage.ffmpeg(*lying.source(40), *tone, *pictures, str(part))
        parts.append(part)
    own, later = ([tag for tag in tags(part) if tag[0] == PICTURES] for part in parts)
    begin = own[1][1]
    heard = [tag for tag in tags(parts[0]) if tag[0] == SOUND]
    first = [(kind, max(0, time - begin), data) for kind, time, data in own if time - begin < 2000]
    second = [
        (kind, max(2000, time - begin), data)
        for kind, time, data in later
        if data[1] == 0 or (data[1] == 1 and time - begin >= 2000)
    ]
    path = tmp_path / "film.flv"
    order = sorted([*heard, *first, *second], key=lambda tag: (tag[1], tag[2][1] != 0))
    write_tags(path, parts[0].read_bytes()[:13], order)
    result = normalised(tmp_path, path)
    assert lying.shown(output(result)) == list(range(40))
    assert not sound or packets(output(result), "audio") == packets(path, "audio")
    assert result.counters == {"remuxed": 1}
    provenance = result.items[0].provenance
    assert (provenance["mode"], provenance.get("sound")) == ("copy", None)


@pytest.mark.parametrize("wanted", [-23.0, -30.0])
def test_010_f04_loudness_is_that_of_ebu_r128(wanted: float, tmp_path: Path) -> None:
    result = normalised(tmp_path, noise(), sound={"loudness": wanted, "bitRate": 192})
    reached, peak = loudness(output(result))
    assert reached == pytest.approx(wanted, abs=0.6)
    assert peak <= -0.9
    assert result.counters == {"pictures_copied": 1}
    assert packets(output(result), "video") == packets(noise(), "video")
    assert normalised(tmp_path / "again", output(result), sound={"loudness": wanted}).counters == {"unchanged": 1}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sound", ["ac3", "pcm_s16le"])
def test_loudness_is_that_of_the_channels_that_are_written(sound: str, channels: int, tmp_path: Path) -> None:
    levels = (0.1, 0.2, 0.3, 0.1, 0.4, 0.4)
    tones = [f"{level}*sin({300 + 100 * channel}*2*PI*t)" for channel, level in enumerate(levels)]
    source = f"aevalsrc={'|'.join(tones)}:c=5.1:s=48000:d=4"
    film = tmp_path / "surround.mkv"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(plain(audio=False))]
    subprocess.run([*command, "-f", "lavfi", "-i", source, "-c:v", "copy", "-c:a", sound, str(film)], check=True)
    form = {"loudness": -23, "channels": channels, "bitRate": 192}
    made = output(normalised(tmp_path / "made", film, sound=form))
    assert loudness(made)[0] == pytest.approx(-23, abs=0.3)
    assert normalised(tmp_path / "again", made, sound=form).counters == {"unchanged": 1}


def test_a_sound_whose_peak_allows_no_more_gets_less_gain_and_is_counted(tmp_path: Path) -> None:
    result = normalised(tmp_path, noise(), sound={"loudness": -6, "bitRate": 192})
    assert result.counters == {"pictures_copied": 1, "quieter": 1}
    told = result.items[0].provenance["measured"]
    assert told["gain"] == pytest.approx(-1 - told["truePeak"], abs=0.02)
    reached, _ = loudness(output(result))
    assert reached == pytest.approx(told["loudness"] + told["gain"], abs=0.3)


@pytest.mark.parametrize("form", [{"rate": 16000, "channels": 1}, {"codec": "opus"}, {"rate": 48000, "channels": 2}])
def test_sound_in_another_form_leaves_the_packets_of_pictures(form: dict[str, Any], tmp_path: Path) -> None:
    made = output(normalised(tmp_path, plain(), sound=form))
    assert packets(made, "video") == packets(plain(), "video")
    with av.open(str(made)) as container:
        sound = container.streams.audio[0].codec_context
        assert sound.sample_rate == form.get("rate", 48000)
        assert sound.channels == form.get("channels", 1)
        assert sound.name.removeprefix("lib") == form.get("codec", "aac")


def test_010_p1_pictures_in_another_shape_leave_the_packets_of_sound(tmp_path: Path) -> None:
    result = normalised(tmp_path, plain(), maxSide=96)
    assert result.counters == {"sound_copied": 1}
    assert packets(output(result), "audio") == packets(plain(), "audio")


def test_sound_whose_settings_change_is_encoded_and_not_kept(tmp_path: Path) -> None:
    """A copy has the settings of the first part alone, and plays the second too fast."""
    parts = []
    for rate in (48000, 32000):
        part = tmp_path / f"{rate}.aac"
        footage.ffmpeg("-f", "lavfi", "-i", f"sine=700:r={rate}:d=1", "-ac", "2", "-c:a", "aac", str(part))
        parts.append(part.read_bytes())
    joined, path = tmp_path / "joined.aac", tmp_path / "film.ts"
    joined.write_bytes(b"".join(parts))
    pictures = plain(audio=False, options=(*PLAIN, "-bf", "0"))
    from_0 = ("-muxdelay", "0", "-muxpreload", "0")
    footage.ffmpeg("-i", str(pictures), "-i", str(joined), "-map", "0", "-map", "1", "-c", "copy", *from_0, str(path))
    with av.open(str(output(normalised(tmp_path / "copied", path)))) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0)) / container.streams.audio[0].rate
    assert heard > 1.95


@pytest.mark.parametrize("params", [{"maxSide": 96}, {"fps": 10}, {"sound": {"rate": 16000}}, {"codec": "hevc"}])
def test_010_f05_sound_that_begins_later_still_does(params: dict[str, Any], tmp_path: Path) -> None:
    late = derived("-itsoffset", "0.6", "-i", str(plain()), "-map", "0:v", "-map", "1:a", "-c", "copy")
    result = normalised(tmp_path, late, **params)
    assert begins(late) == pytest.approx(0.6, abs=0.03)
    assert begins(output(result)) == pytest.approx(begins(late), abs=0.02)
    assert result.items[0].provenance["after"]["sound"] == pytest.approx(0.6, abs=0.11)


@pytest.mark.parametrize("params", [{"maxSide": 96, "fps": 10, "sound": {"loudness": -23}}, {"codec": "hevc"}])
def test_010_f06_the_same_input_gives_the_same_bytes(params: dict[str, Any], tmp_path: Path) -> None:
    made = [output(normalised(tmp_path / name, FILMS["hdr"](), **params)).read_bytes() for name in "ab"]
    assert hashlib.sha256(made[0]).digest() == hashlib.sha256(made[1]).digest()


def test_hdr_becomes_sdr_in_the_order_of_its_brightness(tmp_path: Path) -> None:
    ramp = derived(
        "-vf", f"geq=lum='16+219*X/W':cb=128:cr=128,format=yuv420p10le,{PQ}", "-c:v", "libx265", "-x265-params",
        "log-level=error:lossless=1", "-an",
    )  # fmt: skip
    result = normalised(tmp_path, ramp, crf=4)
    assert "hdr" in result.items[0].fields["normalised"]
    with av.open(str(output(result))) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="gray")
    brightness = frame[40:72].mean(axis=0)
    assert np.all(np.diff(brightness[::8]) >= -1)
    assert brightness[:8].mean() < 24
    assert brightness[-8:].mean() > 200
    kept = normalised(tmp_path / "kept", ramp, toneMap="keep", codec="hevc")
    assert "hdr" not in kept.items[0].fields["normalised"]


@pytest.mark.skipif(bool(gpus()), reason="this machine has a GPU")
def test_010_f07_without_a_gpu_the_cpu_encodes_and_it_is_counted(tmp_path: Path) -> None:
    result = normalised(tmp_path, plain(), codec="h264_nvenc", maxSide=96)
    assert result.counters == {"sound_copied": 1, "gpu_fallback": 1, "gpu_fallback_driver": 1}
    told = result.items[0].provenance["gpu_fallback"]
    assert told == {"reason": "driver", "message": "ffmpeg ended with 255: Cannot load libcuda.so.1"}
    assert result.items[0].provenance["encoder"] == "libx264"


def test_an_output_with_other_times_is_refused() -> None:
    path = plain()
    right = times_of(path, read_timeline(path), audio=True)
    assert verify_times(path, right, None) == right
    assert right.sound is not None
    for wrong in (
        Times(49, right.seconds, right.sound),
        Times(50, right.seconds * 2, right.sound),
        Times(50, right.seconds, right.sound + 1),
    ):
        with pytest.raises(ItemError) as refused:
            verify_times(path, wrong, None)
        assert refused.value.reason == "unverified"
    with pytest.raises(ItemError, match="sound is missing"):
        verify_times(plain(audio=False), right, None)


def test_a_file_that_cannot_be_read_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(plain().read_bytes()[:20_000])
    made = stage("normalise", FAST)
    rig = Rig(tmp_path)
    (result,) = made.process([Input(rig.item("a", tmp_path / "broken.mp4"), 0)], rig)
    assert isinstance(result, Failed)
    assert result.reason in {"truncated", "corrupt"}


def test_a_film_without_sound_needs_none(tmp_path: Path) -> None:
    result = normalised(tmp_path, plain(audio=False), maxSide=96, sound={"loudness": -23})
    assert len(packets(output(result), "video")) == 50
