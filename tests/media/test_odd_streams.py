"""Streams that are seldom seen: each path gives the pictures of a full decode, at their times, or one true row."""

import hashlib
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

import footage
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.media import probe
from reelmill_stages.media.cutting.cut import cut_frames, refuse_damaged
from reelmill_stages.media.cutting.encode import Encoding, encode, mixed_down
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.selection import per_second
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.store  # needs no server, but starts many processes of ffmpeg

FAST = Encoding(preset="ultrafast", crf=1)
REORDERED = ("-c:v", "libx264", "-g", "10", "-bf", "2")


def encoded(path: Path, frames: range, target: Path) -> Path:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=False) as video:
        encode(video, cut_frames(timeline, frames), target, FAST)
    return target


def copied(path: Path, frames: range, target: Path) -> Path:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=False) as video:
        cut = cut_frames(timeline, frames)
        piece = video.slice_of(cut)
        assert piece is not None
        video.copy(cut, piece, target)
    return target


def without_first(path: Path, target: Path, packets: int) -> Path:
    """A file that lacks the first packets of another: there is no key frame at its start."""
    footage.ffmpeg("-i", str(path), "-c", "copy", "-bsf:v", f"noise=drop='lt(n,{packets})'", str(target))
    return target


def test_counted_frames_of_an_encoded_clip_are_shown_at_their_very_ticks(tmp_path: Path) -> None:
    source = lying.film(tmp_path, "reordered.avi", frames=40, extra=REORDERED)
    clip = read_timeline(encoded(source, range(13, 26), tmp_path / "clip.mp4"))
    assert [clip.seconds(index) for index in range(13)] == pytest.approx([index / 10 for index in range(13)])
    assert clip.duration == pytest.approx(1.3)


def test_a_copied_clip_lasts_as_long_as_its_edit_list_says(tmp_path: Path) -> None:
    source = lying.film(tmp_path, "film.mp4", frames=40, extra=(*REORDERED, "-x264-params", "b-adapt=0:scenecut=0"))
    for stop in range(20, 26):
        clip = read_timeline(copied(source, range(13, stop), tmp_path / "clip.mp4"))
        assert clip.duration == pytest.approx((stop - 13) / 10)


def test_pictures_are_cropped_on_the_left_by_any_number_of_pixels(tmp_path: Path) -> None:
    raw, source = tmp_path / "raw.h264", tmp_path / "cropped.mp4"
    footage.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x128:r=10:d=1", *lying.X264, "-bf", "0", str(raw))
    crop = "h264_metadata=crop_left=10:crop_right=6:crop_top=4:crop_bottom=20"
    footage.ffmpeg("-r", "10", "-i", str(raw), "-c", "copy", "-bsf:v", crop, str(source))
    timeline = read_timeline(source)
    ours = [picture.frame.to_ndarray() for picture in decode(source, timeline, range(len(timeline)))]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(source)]
    command += ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    theirs = [line.rpartition(",")[2].strip() for line in told if not line.startswith("#")]
    assert [hashlib.md5(pixels.tobytes()).hexdigest() for pixels in ours] == theirs


@pytest.mark.parametrize("angle", [30, 45, 120])
def test_an_angle_that_is_no_quarter_turn_is_rounded_in_clips_as_in_frames(angle: int, tmp_path: Path) -> None:
    plain = lying.film(tmp_path, "plain.mp4")
    source = tmp_path / "skewed.mp4"
    footage.ffmpeg("-display_rotation", str(angle), "-i", str(plain), "-c", "copy", str(source))
    assert read_timeline(source).shape.askew
    assert read_timeline(source).special_properties()["shape"] == {"askew": True}
    clip = encoded(source, range(5, 9), tmp_path / "clip.mp4")
    with av.open(str(clip)) as container:
        frames = list(container.decode(video=0))
    if angle < 90:
        assert [lying.shows(frame) for frame in frames] == [5, 6, 7, 8]
    assert (frames[0].width, frames[0].height) == ((64, 48) if angle < 90 else (48, 64))


def test_pictures_that_change_their_size_are_encoded_by_their_number(tmp_path: Path) -> None:
    one = lying.film(tmp_path, "one.ts", frames=20, extra=REORDERED)
    larger = ("-vf", "scale=128:96:flags=neighbor", *REORDERED, "-output_ts_offset", "2")
    other = lying.film(tmp_path, "two.ts", frames=20, extra=larger)
    source = tmp_path / "both.ts"
    source.write_bytes(one.read_bytes() + other.read_bytes())
    clip = encoded(source, range(13, 27), tmp_path / "clip.mp4")
    assert lying.shown(clip) == [*range(13, 20), *range(7)]


def test_frames_of_an_avi_without_its_first_key_frame_are_encoded_by_their_number(tmp_path: Path) -> None:
    whole = lying.film(tmp_path, "whole.avi", extra=("-c:v", "mpeg4", "-g", "8", "-q:v", "3"))
    source = without_first(whole, tmp_path / "late.avi", 3)
    timeline = read_timeline(source)
    (first,) = decode(source, timeline, [4])
    clip = encoded(source, range(4, 8), tmp_path / "clip.mp4")
    assert lying.shown(clip) == [*range(lying.shows(first.frame), lying.shows(first.frame) + 4)]


def test_a_clip_whose_times_no_mp4_holds_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    days = ("-vf", "settb=1/1000,setpts='PTS+gte(N,20)*2000000/TB'", "-fps_mode", "passthrough")
    source = lying.film(tmp_path, "days.mkv", extra=(*days, "-c:v", "libx264"))
    for write in (copied, encoded):
        with pytest.raises(ItemError, match=r"mp4 cannot hold the clip|the clip shows frame|the clip lasts") as caught:
            write(source, range(15, 25), tmp_path / "clip.mp4")
        assert caught.value.reason == "unverified"
        assert not (tmp_path / "clip.mp4").exists()


@pytest.mark.parametrize("name", ["bare.h264", "bare.m2v", "bare.mjpeg", "bare.apng"])
def test_a_container_that_tells_no_duration_is_measured_by_its_packets(name: str, tmp_path: Path) -> None:
    source = tmp_path / name
    footage.ffmpeg(*lying.source(20), str(source))
    assert probe(source).duration == pytest.approx(20 / 25 if name == "bare.mjpeg" else 2, abs=0.1)


def _turned(folder: Path, *turns: str) -> Path:
    """Bare streams one after the other, whose bits tell these turns."""
    target = folder / "turned.h264"
    plain = lying.film(folder, "plain.h264", extra=(*lying.X264, "-bf", "0"))
    parts = []
    for turn in turns:
        part = folder / "part.h264"
        bits = ("-bsf:v", f"h264_metadata=display_orientation=insert:{turn}") if turn else ()
        footage.ffmpeg("-i", str(plain), "-c", "copy", *bits, str(part))
        parts.append(part.read_bytes())
    target.write_bytes(b"".join(parts))
    return target


@pytest.mark.parametrize("turns", [("rotate=90", "rotate=180"), ("", "rotate=90"), ("rotate=180", "flip=horizontal")])
def test_a_stream_whose_later_pictures_are_another_way_up_is_refused(turns: tuple[str, ...], tmp_path: Path) -> None:
    source = _turned(tmp_path, *turns)
    with pytest.raises(ItemError, match="later pictures have another orientation than the first") as caught:
        read_timeline(source)
    assert caught.value.reason == "turn_changes"


def test_a_turn_that_only_the_first_pictures_tell_holds_for_all(tmp_path: Path) -> None:
    assert read_timeline(_turned(tmp_path, "rotate=90", "")).shape.turn == (1, False)


def test_a_refused_clip_names_the_damaged_packet_that_it_depends_on(tmp_path: Path) -> None:
    timeline = read_timeline(lying.film(tmp_path, "film.mp4", frames=40, extra=(*lying.X264, "-bf", "0")))
    timeline = replace(timeline, damaged=frozenset({12, 18, 25}))
    with pytest.raises(ItemError, match="frame 14: packet 12, which the frame depends on, is damaged"):
        refuse_damaged(tmp_path / "film.mp4", timeline, cut_frames(timeline, range(14, 16)))
    refuse_damaged(tmp_path / "film.mp4", timeline, cut_frames(timeline, range(2, 12)))


HEVC = ("-c:v", "libx265", "-x265-params", "log-level=0:keyint=10:pools=none:frame-threads=1")


@pytest.mark.parametrize("extra", [HEVC, (*lying.X264, "-bf", "0")], ids=["hevc", "h264"])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_frame_with_a_hole_of_zeros_is_refused_and_its_neighbours_keep_their_numbers(
    name: str, extra: tuple[str, ...], tmp_path: Path
) -> None:
    source, holed = tmp_path / name, tmp_path / f"holed_{name}"
    noise = "nullsrc=s=64x48:r=10:d=3,geq=lum='40+170*mod(floor(N/pow(2,floor(X/8))),2)+mod(random(1)*40,40)'"
    footage.ffmpeg("-f", "lavfi", "-i", f"{noise}:cb=128:cr=128,format=yuv420p", *extra, *lying.BASE, str(source))
    timeline = read_timeline(source)
    assert len(timeline) == 30
    right = [picture.frame.to_ndarray() for picture in decode(source, timeline, range(30))]
    with av.open(str(source)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in (0, 4, 10, 23):
        at, size = places[number]
        data = bytearray(source.read_bytes())
        data[at + size - 60 : at + size - 30] = bytes(30)
        holed.write_bytes(data)
        found = read_timeline(holed)
        assert found.pts == timeline.pts
        refused = set()
        for index in range(30):
            try:
                (picture,) = decode(holed, found, [index])
            except ItemError:
                refused.add(index)
            else:
                assert np.array_equal(picture.frame.to_ndarray(), right[index])
        assert timeline.numbers.index(number) in refused
        group = number // 10 * 10  # and pictures that are shown before their group, and decoded from it
        assert refused <= set(range(group - 4, group + 10))


def test_a_rate_over_years_is_refused_before_any_frame_is_chosen() -> None:
    with pytest.raises(ItemError, match="2 frames for each of 1000000000 s are more than 10,000,000") as caught:
        per_second([0.0, 0.1], 1e9, 2)
    assert caught.value.reason == "too_long"
    assert per_second([0.0, 7200.0], 7200.5, 0.5)[-2:] == [0, 1]


def test_sound_of_more_channels_than_its_encoder_takes_becomes_stereo(tmp_path: Path) -> None:
    source = tmp_path / "film.mov"
    many = "aevalsrc=" + "|".join(["0.4*sin(2*PI*440*t)"] * 24) + ":d=2:s=44100"
    footage.ffmpeg(*lying.source(20), "-f", "lavfi", "-i", many, *lying.X264, "-c:a", "pcm_s16le", str(source))
    timeline = read_timeline(source)
    with remuxer(source, timeline, audio=True) as video:
        assert mixed_down(video, FAST)
        encode(video, cut_frames(timeline, range(5, 15)), tmp_path / "clip.mp4", FAST)
    found = probe(tmp_path / "clip.mp4")
    assert [sound.channels for sound in found.audio] == [2]
    assert found.duration == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("channels", [9, 20])
def test_sound_whose_channels_have_no_places_is_averaged(channels: int, tmp_path: Path) -> None:
    source, clip = tmp_path / "film.mov", tmp_path / "clip.mp4"
    many = "aevalsrc=" + "|".join(["0.9*sin(2*PI*440*t)", *["0"] * (channels - 1)]) + ":d=2:s=48000"
    footage.ffmpeg(*lying.source(20), "-f", "lavfi", "-i", many, *lying.X264, "-c:a", "pcm_s16le", str(source))
    timeline = read_timeline(source)
    with remuxer(source, timeline, audio=True) as video:
        encode(video, cut_frames(timeline, range(20)), clip, FAST)
    with av.open(str(clip)) as container:
        assert container.streams.audio[0].codec_context.channels == 2
        peaks = [np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=0)]
    heard = speech_sound(source, Fraction(0), Fraction(2))
    assert heard is not None
    assert heard.damaged == 0
    (part,) = heard.parts
    assert max(peaks) == pytest.approx(0.9 / channels, rel=0.2)
    assert np.abs(part.samples).max() / 32768 == pytest.approx(0.9 / channels, rel=0.1)


@pytest.mark.parametrize(
    ("codec", "size"), [("h264", (16400, 32)), ("h264", (16, 16400)), ("hevc", (20000, 16)), ("hevc", (8, 8))]
)
def test_pictures_of_a_size_that_no_encoder_takes_are_one_clear_row(
    codec: str, size: tuple[int, int], tmp_path: Path
) -> None:
    source, (width, height) = tmp_path / "film.mkv", size
    graph = f"color=s={width}x{height}:r=10:d=0.3"
    footage.ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", str(source))
    timeline = read_timeline(source)
    with remuxer(source, timeline, audio=False) as video, pytest.raises(ItemError) as caught:
        encode(video, cut_frames(timeline, range(2)), tmp_path / "clip.mp4", replace(FAST, codec=codec))
    assert caught.value.reason == "picture_size"
    encoder = {"h264": "libx264", "hevc": "libx265"}[codec]
    assert caught.value.what == f"{encoder} does not support pictures of {width}x{height} pixels"
    assert not (tmp_path / "clip.mp4").exists()


@pytest.mark.parametrize("rate", [None, Fraction(10)])
@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("name", ["film.webm", "film.mkv", "film.ivf"])
def test_a_stream_without_its_first_key_frame_is_encoded_from_the_next_one(
    name: str, codec: str, rate: Fraction | None, tmp_path: Path
) -> None:
    whole = lying.film(tmp_path, name, frames=30, extra=("-c:v", codec, "-g", "10", "-deadline", "realtime"))
    source = without_first(whole, tmp_path / f"late_{name}", 3)
    timeline = read_timeline(source)
    assert (timeline.undecodable, len(timeline)) == (7, 20)
    for frames in (range(20), range(2, 7), range(12, 18)):
        with remuxer(source, timeline, audio=False) as video:
            encode(video, cut_frames(timeline, frames), tmp_path / "clip.mp4", replace(FAST, rate=rate))
        assert lying.shown(tmp_path / "clip.mp4") == [10 + index for index in frames]


def test_a_damaged_picture_of_a_late_stream_is_encoded_into_no_clip(tmp_path: Path) -> None:
    """Pictures before the first key frame may be errors, but none of the clip's."""
    whole = lying.film(tmp_path, "film.webm", frames=40, extra=("-c:v", "libvpx-vp9", "-g", "10"))
    source = without_first(whole, tmp_path / "late.webm", 3)
    with av.open(str(source)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0) if packet.size][-6]
    data = bytearray(source.read_bytes())
    at = data.rindex(packet)
    data[at + 3 : at + 12] = bytes(byte ^ 0xFF for byte in data[at + 3 : at + 12])
    source.write_bytes(data)
    timeline = read_timeline(source)
    assert (timeline.undecodable, len(timeline)) == (7, 30)
    with remuxer(source, timeline, audio=False) as video, pytest.raises(ItemError):
        encode(video, cut_frames(timeline, range(22, 30)), tmp_path / "clip.mp4", replace(FAST, rate=Fraction(10)))


@pytest.mark.parametrize("rate", [None, Fraction(10)])
def test_damaged_sound_of_a_late_stream_is_encoded_into_no_clip(rate: Fraction | None, tmp_path: Path) -> None:
    """Pictures before the first key frame may be errors, but no sound of the clip's."""
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=4:r=48000:a=0.3", "-c:a", "flac")
    whole = lying.film(tmp_path, "film.mkv", frames=40, extra=(*noise, "-c:v", "libvpx-vp9", "-g", "10"))
    source, clip = tmp_path / "late.mkv", tmp_path / "clip.mp4"
    drop = "noise=drop='lt(n,3)'"
    footage.ffmpeg("-i", str(whole), "-map", "0", "-c", "copy", "-bsf:v", drop, str(source))
    with av.open(str(source)) as container:
        packet = next(bytes(each) for each in container.demux(audio=0) if each.pts * each.time_base > 2.5)
    data = bytearray(source.read_bytes())
    data[data.index(packet) + len(packet) * 2 // 3] ^= 8
    source.write_bytes(data)
    timeline = read_timeline(source)
    assert timeline.undecodable == 7
    broken = 15  # the first picture is shown at 1 s
    with remuxer(source, timeline, audio=True) as video:
        for frames in (range(broken - 3, broken + 4), range(30)):
            with pytest.raises(ItemError) as caught:
                encode(video, cut_frames(timeline, frames), clip, replace(FAST, rate=rate))
            assert caught.value.reason == "corrupt"
            assert "the packet of sound at 2.5" in caught.value.what
            assert not clip.exists()
        if rate is None:
            encode(video, cut_frames(timeline, range(broken - 10, broken - 4)), clip, FAST)
            assert len(lying.shown(clip)) == 6


def test_silence_of_days_takes_no_memory(tmp_path: Path) -> None:
    """An hour would be 115 MB, and three days 8 GB."""
    plain, source, days = tmp_path / "plain.mkv", tmp_path / "days.mkv", 3 * 24 * 3600
    footage.ffmpeg(
        *lying.source(20),
        "-f",
        "lavfi",
        "-i",
        "sine=d=2:r=48000",
        *lying.X264,
        "-bf",
        "0",
        "-c:a",
        "pcm_s16le",
        str(plain),
    )
    with av.open(str(plain)) as before, av.open(str(source), "w") as after:
        tracks = [after.add_stream_from_template(stream, opaque=True) for stream in before.streams]
        for packet in before.demux():
            if packet.pts is None or packet.dts is None:
                continue
            if packet.pts * packet.time_base >= 1:
                packet.pts += days * 1000
                packet.dts += days * 1000
            packet.stream = tracks[packet.stream.index]
            after.mux(packet)
    heard = speech_sound(source, Fraction(0), Fraction(days + 2))
    assert heard is not None
    first, last = heard.parts
    assert first.at == 0
    assert last.at <= (days + 1) * 16000 <= last.at + len(last.samples)
    assert sum(len(part.samples) for part in heard.parts) <= 2 * 600 * 16000
    for part, begin in ((first, 0), (last, (days + 1) * 16000 - last.at)):
        loud = np.flatnonzero(part.samples)
        assert loud[0] == pytest.approx(begin, abs=200)
        assert loud[-1] - loud[0] == pytest.approx(16000, abs=1200)
