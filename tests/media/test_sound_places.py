"""Sound is where its packets say, in every path: after gaps and seeks, and where its clock or its settings change."""

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.media.container.demux import demuxed, opened
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.loudness import loudness
from reelmill_stages.media.decoding.speech_sound import RATE, speech_sound
from reelmill_stages.media.timeline.seek import audio_from
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.store  # needs no server, but starts many processes of ffmpeg

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10", "-bf", "0")
SECONDS = 4.0
DRAWN = (
    ("aac", ("mp4", "mov", "mkv", "ts", "flv")),
    ("libmp3lame", ("mp4", "mkv", "flv")),
    ("libopus", ("mp4", "mkv", "ts")),
    ("libvorbis", ("mkv",)),
    ("ac3", ("mp4", "mkv", "ts")),
    ("mp2", ("mkv", "ts")),
    ("flac", ("mp4", "mkv")),
    ("pcm_s16le", ("mov", "mkv")),
)
"""Encoders, and containers of their sound."""
WITHOUT_LENGTH = ("flac", "alac", "ac3", "eac3", "libopus")
"""Encoders whose packets have no length but the one that a container tells, which lasts over gaps in mp4."""
INDEPENDENT = ("flac", "alac")
"""Encoders whose packets are decoded alone, so that they are copied after a gap."""
SOUND, PICTURES = 8, 9
"""The kinds of tags of FLV."""
TONE = 2.5
"""Second from which there is something to hear, by the samples."""


def film(folder: Path, name: str, *options: str, sound: str = f"gt(t,{TONE})") -> Path:
    """A film whose sound is a tone where the expression `sound` is not 0."""
    pictures = footage.video(seconds=SECONDS, size=(64, 48), options=X264, audio=False)
    graph = f"aevalsrc='0.5*sin(2*PI*700*t)*{sound}':s=48000:d={SECONDS}"
    path = folder / name
    footage.ffmpeg("-i", str(pictures), "-f", "lavfi", "-i", graph, "-c:v", "copy", *options, str(path))
    return path


def clip(path: Path, target: Path, start: float, end: float, *, copied: bool = True) -> None:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, start, end)
        piece = video.slice_of(cut) if copied else None
        if piece is None:
            encode(video, cut, target, Encoding(preset="ultrafast"))
        else:
            video.copy(cut, piece, target)


def tone_begins(path: Path, after: float = 0) -> float:
    """Seconds from the first picture to the first loud sample that is so late, by a plain decode of the whole file."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        begin = float(first.pts * first.time_base)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray() / (1 if frame.format.name.startswith("flt") else 1 << frame.format.bits - 1)
            loud = np.flatnonzero(np.abs(samples).max(axis=0) > 0.1)
            since = float(frame.pts * frame.time_base) - begin
            if len(loud) and since >= after:
                return since + loud[0] / frame.sample_rate
    raise AssertionError("nothing is loud")


def speech_begins(path: Path, start: float, end: float) -> float:
    """Seconds from `start` to the first loud sample, as speech models get them."""
    heard = speech_sound(path, *(Fraction(moment).limit_denominator(1000) for moment in (start, end)))
    assert heard is not None
    samples = np.zeros(heard.length)
    for part in heard.parts:
        samples[part.at : part.at + len(part.samples)] = part.samples
    return float(np.flatnonzero(np.abs(samples) > 3000)[0]) / RATE


@pytest.mark.parametrize(
    ("container", "codec"),
    [*((container, "aac") for container in ("mp4", "mkv", "ts")), *(("mp4", codec) for codec in WITHOUT_LENGTH)],
)
def test_a_clip_that_begins_in_a_gap_of_the_sound_is_silent_until_it_ends(
    container: str, codec: str, tmp_path: Path
) -> None:
    gap = ("-af", "aselect='not(between(t,1,1.9))'", "-c:a", codec)
    path = film(tmp_path, f"gap.{container}", *gap, sound="gt(t,0)")
    clip(path, tmp_path / "clip.mp4", 1.4, 3.0, copied=codec in INDEPENDENT)
    assert tone_begins(tmp_path / "clip.mp4") == pytest.approx(tone_begins(path, 1.4) - 1.4, abs=0.03)


@pytest.mark.parametrize("speed", [0.95, 1.05])
def test_sound_whose_clock_runs_at_another_speed_stays_with_the_pictures(speed: float, tmp_path: Path) -> None:
    path = film(tmp_path, "drift.mkv", "-c:a", "aac", "-bsf:a", f"setts=ts=PTS*{speed}")
    assert tone_begins(path) == pytest.approx(TONE * speed, abs=0.03)
    assert speech_begins(path, 0, 4) == pytest.approx(TONE * speed, abs=0.06)
    clip(path, tmp_path / "clip.mp4", 0.4, 3.6)
    assert tone_begins(tmp_path / "clip.mp4") == pytest.approx(TONE * speed - 0.4, abs=0.06)


@pytest.mark.parametrize("codec", ["libvorbis", "libopus", "aac", "libmp3lame", "ac3"])
def test_sound_of_every_codec_is_in_step_in_clips_from_the_middle(codec: str, tmp_path: Path) -> None:
    path = film(tmp_path, "film.mkv", "-c:a", codec)
    for start in (0.52, 0.96, 1.44):
        clip(path, tmp_path / "clip.mp4", start, 3.6)
        assert tone_begins(tmp_path / "clip.mp4") == pytest.approx(tone_begins(path) - start, abs=0.004)


@pytest.mark.parametrize("number", range(5))
def test_every_path_hears_a_drawn_sound_when_a_full_decode_does(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    codec, containers = chance.choice(DRAWN)
    speed, late, gap = chance.choice((1, 1, 0.96, 1.03)), chance.choice((0, 0, 0.3)), chance.choice((0, 0.6))
    begin = chance.uniform(0.5, 1.6)
    cuts = f"aselect='not(between(t,{begin:.3f},{begin + gap:.3f}))'" if gap else "anull"
    stamps = f"setts=ts=PTS*{speed}+{late}/TB" if (speed, late) != (1, 0) else "null"
    options = ("-c:a", codec, "-af", cuts, "-bsf:a", stamps)
    path = film(tmp_path, f"film.{chance.choice(containers)}", *options)
    start = chance.randrange(3, 53) / 25  # where a picture begins
    expected = pytest.approx(tone_begins(path) - start, abs=0.03 if speed == 1 else 0.06)
    if not (gap and begin < start < begin + gap + 0.1):  # then it may have to be encoded
        clip(path, tmp_path / "copied.mp4", start, 3.8)
        assert tone_begins(tmp_path / "copied.mp4") == expected
    clip(path, tmp_path / "encoded.mp4", start, 3.8, copied=False)
    assert tone_begins(tmp_path / "encoded.mp4") == expected
    first = float(read_timeline(path).pts[0] * read_timeline(path).time_base)
    assert speech_begins(path, first + start, first + 3.8) == expected


@pytest.mark.parametrize("codec", ["ac3", "mp2"])
def test_packets_of_sound_after_a_seek_have_the_times_that_they_have_from_the_start(codec: str, tmp_path: Path) -> None:
    pictures = footage.video(seconds=SECONDS, size=(64, 48), codec="mpeg2video", options=("-g", "10"), audio=False)
    path = tmp_path / "film.vob"
    sound = ("-f", "lavfi", "-i", f"anoisesrc=r=48000:d={SECONDS}:a=0.3:seed=1", "-c:a", codec)
    footage.ffmpeg("-i", str(pictures), *sound, "-c:v", "copy", str(path))
    with opened(path, sound=True) as container:
        stream = container.streams.audio[0]
        times = {bytes(packet): packet.pts for packet in demuxed(container, stream)}
        begins = sorted(times.values())
        for pts in begins[10:-1:7]:
            found = list(audio_from(path, container, stream, pts))
            assert found[0].pts == pts
            assert [times.get(bytes(packet)) for packet in found] == [packet.pts for packet in found]


def test_sound_whose_settings_change_is_encoded_and_not_copied(tmp_path: Path) -> None:
    parts = []
    for number, channels in enumerate((2, 1)):
        part = tmp_path / f"{number}.aac"
        graph = f"sine=700:r=48000:d={SECONDS / 2}"
        footage.ffmpeg("-f", "lavfi", "-i", graph, "-ac", str(channels), "-c:a", "aac", str(part))
        parts.append(part.read_bytes())
    joined = tmp_path / "joined.aac"
    joined.write_bytes(b"".join(parts))
    pictures = footage.video(seconds=SECONDS, size=(64, 48), options=X264, audio=False)
    path = tmp_path / "film.ts"
    footage.ffmpeg("-i", str(pictures), "-i", str(joined), "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
    with pytest.raises(ItemError, match="the settings of its sound change") as refused:
        clip(path, tmp_path / "clip.mp4", 1.0, 3.0)
    assert refused.value.reason == "unverified"
    clip(path, tmp_path / "clip.mp4", 0.2, 1.2)
    clip(path, tmp_path / "clip.mp4", 1.0, 3.0, copied=False)


def tags(path: Path) -> list[tuple[int, int, bytes]]:
    """(kind, milliseconds, bytes) of the tags of a file of FLV."""
    data, at = path.read_bytes(), 13
    found = []
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4])
        found.append((data[at], int.from_bytes(data[at + 4 : at + 7]), data[at + 11 : at + 11 + size]))
        at += size + 15
    return found


def write_tags(path: Path, head: bytes, written: list[tuple[int, int, bytes]]) -> None:
    with path.open("wb") as file:
        file.write(head)
        for kind, time, data in written:
            stamp = (time & 0xFFFFFF).to_bytes(3) + (time >> 24).to_bytes(1)
            file.write(bytes([kind]) + len(data).to_bytes(3) + stamp + bytes(3) + data)
            file.write((len(data) + 11).to_bytes(4))


def pitch(samples: np.ndarray, rate: int) -> float:
    """Cycles per second of a tone."""
    heard = samples[np.flatnonzero(samples)[0] : np.flatnonzero(samples)[-1]]
    return float((np.diff(np.signbit(heard)) != 0).sum() / 2 / (len(heard) / rate))


def test_sound_whose_header_changes_is_encoded_and_not_copied(tmp_path: Path) -> None:
    """As where the encoder of a live stream was started anew."""
    options = ("-c:a", "aac", "-ar")
    one, other = (film(tmp_path, f"{rate}.flv", *options, str(rate), sound="1") for rate in (48000, 44100))
    first = [tag for tag in tags(one) if tag[0] != SOUND or tag[1] < 2000]
    second = [(kind, max(time, 2000), data) for kind, time, data in tags(other) if kind == SOUND]
    changed = [tag for tag in second if tag[2][1] == 0 or tag[1] > 2000]
    path, target = tmp_path / "film.flv", tmp_path / "clip.mp4"
    write_tags(path, one.read_bytes()[:13], sorted([*first, *changed], key=lambda tag: tag[1]))
    for start in (1.0, 2.4, 3.4):
        with pytest.raises(ItemError, match="the settings of its sound change"):
            clip(path, target, start, 3.9)
        clip(path, target, start, 3.9, copied=False)
        with av.open(str(target)) as container:
            samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        assert pitch(samples, 48000) == pytest.approx(700, rel=0.04)
        heard = speech_sound(path, Fraction(start), Fraction(39, 10))
        assert heard is not None
        assert pitch(heard.parts[0].samples, RATE) == pytest.approx(700, rel=0.04)
    clip(path, target, 0.2, 1.2)


@pytest.mark.parametrize("begin", [2**31 - 2000, 2**31 + 5000])
def test_a_stream_that_runs_for_weeks_keeps_its_times(begin: int, tmp_path: Path) -> None:
    """FLV counts milliseconds in 32 bits."""
    plain, path = film(tmp_path, "plain.flv", "-c:a", "aac"), tmp_path / "film.flv"
    written = [(kind, time + begin, data) for kind, time, data in tags(plain)]
    write_tags(path, plain.read_bytes()[:13], written)
    timeline = read_timeline(path)
    assert (len(timeline), timeline.duration, timeline.measured) == (100, 4.0, "")
    clip(path, tmp_path / "clip.mp4", 2.0, 3.6)
    assert tone_begins(tmp_path / "clip.mp4") == pytest.approx(TONE - 2.0, abs=0.03)


def test_loudness_is_that_of_all_sound_when_its_form_changes(tmp_path: Path) -> None:
    parts = []
    for number, (rate, volume) in enumerate(((48000, 0.5), (44100, 0.02))):
        part = tmp_path / f"{number}.mp2"
        graph = f"aevalsrc='{volume}*sin(2*PI*700*t)':s={rate}:d=3"
        footage.ffmpeg("-f", "lavfi", "-i", graph, "-c:a", "mp2", str(part))
        parts.append(part.read_bytes())
    path, alone = tmp_path / "changes.mp3", tmp_path / "alone.mp3"
    path.write_bytes(b"".join(parts))
    alone.write_bytes(parts[0])
    whole, first = loudness(path, 0), loudness(alone, 0)
    assert whole is not None
    assert first is not None
    assert whole.integrated == pytest.approx(first.integrated, abs=1.0)
