"""The first samples of a clip's sound are those of a full decode of its source, whether it is copied or encoded."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import footage
from media.test_sound_places import X264
from reelmill.contract.errors import ItemError
from reelmill_stages.measuring.sound.samples import track
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.speech_sound import RATE as SPEECH_RATE
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.timeline import read_timeline

RATE = 48000
SECONDS = 4.0
LOSSLESS = Encoding(preset="ultrafast", sound={"c:a": "flac"})
NOISE = "aevalsrc='(0.2+0.3*gt(mod(t,0.5),0.25))*(random(0)-0.5)':s=48000"
"""Louder every second quarter of a second, so that MP3 saves bytes for the loud ones."""
FIRST = 0.08
"""Seconds of sound that are compared."""
MP3 = ("-ac", "1", "-c:a", "libmp3lame", "-b:a", "32k")
AAC = ("-c:a", "aac", "-aac_pns", "0")
GAP = (1.0, 1.9)
IN_A_GAP = "its sound has a gap where the clip begins"


def film(path: Path, *options: str, sound: str = NOISE, codec: str = "libx264") -> Path:
    """A film with a key frame every 0.4 s, and sound of this graph."""
    given = X264 if codec == "libx264" else ("-g", "10")
    pictures = footage.video(seconds=SECONDS, size=(64, 48), codec=codec, options=given, audio=False)
    heard = ("-f", "lavfi", "-i", f"{sound}:d={SECONDS}")
    footage.ffmpeg("-i", str(pictures), *heard, "-c:v", "copy", *options, str(path))
    return path


def samples(path: Path) -> np.ndarray:
    """The samples of the first channel, at their places after the first picture, by a plain decode of the file."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        begin = picture.pts * picture.time_base
    heard = np.zeros(round((SECONDS + 1) * RATE))
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            scale = 1 if frame.format.name.startswith("flt") else 1 << frame.format.bits - 1
            first = round((frame.pts * frame.time_base - begin) * RATE)
            own = frame.to_ndarray()[0][:: 1 if frame.format.is_planar else frame.layout.nb_channels] / scale
            own = own[max(0, -first) :]
            heard[max(0, first) : max(0, first) + len(own)] = own
    return heard


def clip(path: Path, target: Path, start: float, *, copied: bool) -> None:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, start, SECONDS)
        if copied:
            piece = video.slice_of(cut)
            assert piece is not None
            video.copy(cut, piece, target)
        else:
            encode(video, cut, target, LOSSLESS)


def refusal(path: Path, target: Path, start: float) -> str:
    """Why a clip is not copied; empty if it is."""
    try:
        clip(path, target, start, copied=True)
    except ItemError as error:
        return f"{error.reason}: {error.what}"
    return ""


def largest_difference(one: np.ndarray, other: np.ndarray, at: float) -> float:
    """The largest difference of `one` from `other` at second `at`, at the best place within the rounding of times."""
    count, first = round(FIRST * RATE), round(at * RATE)
    shifts = range(max(-60, -first), 61)
    return min(float(np.abs(one[:count] - other[first + by : first + by + count]).max()) for by in shifts)


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.mp4", MP3),
        ("film.mkv", MP3),
        ("film.mp4", ("-c:a", "libmp3lame", "-b:a", "128k")),
        ("film.mp4", AAC),
        ("film.mkv", ("-c:a", "mp2")),
        ("film.mp4", ("-c:a", "alac")),
    ],
)
def test_a_clip_begins_with_the_samples_of_a_full_decode(
    name: str, options: tuple[str, ...], copied: bool, tmp_path: Path
) -> None:
    path = film(tmp_path / name, *options)
    whole = samples(path)
    for start in (0.4, 0.8, 2.0, 2.44):
        clip(path, tmp_path / "clip.mp4", start, copied=copied)
        assert largest_difference(samples(tmp_path / "clip.mp4"), whole, start) < 0.002


@pytest.mark.parametrize(("name", "options"), [("film.mkv", MP3), ("film.mp4", AAC), ("film.mkv", ("-c:a", "mp2"))])
def test_sound_after_a_gap_is_that_of_a_full_decode_or_not_copied(
    name: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    path = film(tmp_path / name, *options, "-af", f"aselect='not(between(t,{GAP[0]},{GAP[1]}))'")
    whole = samples(path)
    for start in (1.4, 1.88):
        assert refusal(path, tmp_path / "clip.mp4", start) == f"unverified: {IN_A_GAP}"
        clip(path, tmp_path / "clip.mp4", start, copied=False)
        assert largest_difference(samples(tmp_path / "clip.mp4"), whole, start) < 0.002
        begun = round((GAP[1] + 0.03 - start) * RATE)
        after = samples(tmp_path / "clip.mp4")[begun:]
        assert largest_difference(after, whole, start + begun / RATE) < 0.002
    for start in (1.96, 2.04):
        if options == MP3 and refusal(path, tmp_path / "clip.mp4", start) == f"unverified: {IN_A_GAP}":
            continue
        clip(path, tmp_path / "clip.mp4", start, copied=True)
        assert largest_difference(samples(tmp_path / "clip.mp4"), whole, start) < 0.002


@pytest.mark.store
@pytest.mark.parametrize("gap", [(), ("-af", f"aselect='not(between(t,{GAP[0]},{GAP[1]}))'")])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_sound_of_a_low_rate_begins_with_the_samples_of_a_full_decode_in_every_path(
    name: str, gap: tuple[str, ...], tmp_path: Path
) -> None:
    """Frames of 36 bytes begin with the data of 11 others, also of those before a gap."""
    options = ("-ac", "1", "-ar", "16000", "-c:a", "libmp3lame", "-b:a", "8k", *gap)
    path = film(tmp_path / name, *options)
    timeline = read_timeline(path)
    origin = timeline.origin * timeline.time_base
    speech = speech_sound(path, origin, origin + 4)
    assert speech is not None
    whole = np.concatenate([part.samples for part in speech.parts]) / (1 << 15)
    for hundredths in (84, 196, 204, 244):
        start = Fraction(hundredths, 100)
        begin, place = origin + start, round(start * SPEECH_RATE)
        right = whole[place - 40 : place + 1400]
        heard = speech_sound(path, begin, begin + 1)
        assert heard is not None
        assert _difference(heard.parts[0].samples[:1200] / (1 << 15), right) < 0.002
        with track(path) as sound:
            assert sound is not None
            blocks = [block.samples[:, 0] for block in sound.heard(begin, begin + 1)]
            assert _difference(np.concatenate(blocks)[:1200], right) < 0.002
        clip(path, tmp_path / "clip.mp4", float(start), copied=True)
        with av.open(str(tmp_path / "clip.mp4")) as container:
            frames = [frame for frame in container.decode(audio=0) if frame.pts + frame.samples > 0]
            copied = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        assert _difference(copied[:1200], right) < 0.002


def _difference(own: np.ndarray, right: np.ndarray) -> float:
    """The largest difference from `right`, at the best place within the rounding of times."""
    return min(float(np.abs(own - right[by : by + len(own)]).max()) for by in range(len(right) - len(own) + 1))


@pytest.mark.parametrize("speed", [1, 0.995, 0.95, 0.9])
def test_copied_sound_in_blocks_whose_clock_drifts_is_never_late_by_more_than_half_a_packet(
    speed: float, tmp_path: Path
) -> None:
    """A block of 2 kB of a program stream has one time and about 20 packets."""
    path = film(
        tmp_path / "film.vob",
        *("-ac", "1", "-c:a", "mp2", "-b:a", "32k", "-bsf:a", f"setts=ts=PTS*{speed}"),
        sound="anoisesrc=r=48000:a=0.5:seed=3",
        codec="mpeg2video",
    )
    whole, start = samples(path), 0.52
    if speed < 0.995:
        assert refusal(path, tmp_path / "clip.mp4", start) == "unverified: packets of its sound overlap"
        return
    clip(path, tmp_path / "clip.mp4", start, copied=True)
    copied, half = samples(tmp_path / "clip.mp4"), 1152 // 2
    for second in (0.3, 0.9, 1.5, 2.1, 2.7):
        place, count = round(second * RATE), 960
        own = copied[place : place + count]
        around = whole[round((start + second) * RATE) - 14400 :][: 28800 + count]
        late = 14400 - int(np.argmax(np.correlate(around, own, "valid")))
        assert -2 <= late <= half + 2


@pytest.mark.parametrize("codec", ["flac", "alac"])
def test_packets_whose_length_is_told_in_milliseconds_have_all_their_samples(codec: str, tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", "-c:a", codec)
    clip(path, tmp_path / "clip.mp4", 1.2, copied=True)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        lengths = [packet.duration for packet in container.demux(audio=0) if packet.size]
    with av.open(str(tmp_path / "clip.mp4")) as container:
        longest = max(frame.samples for frame in container.decode(audio=0))
    assert set(lengths[:-2]) == {longest}
