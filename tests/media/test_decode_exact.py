"""Whatever the file, the frames of the plan are those of a full decode, bit for bit, and show what they should."""

import random
import subprocess
from functools import cache
from pathlib import Path

import av
import pytest

import footage
from reelmill_stages.media.decoding.decode import Picture, decode
from reelmill_stages.media.decoding.picture import render
from reelmill_stages.media.timeline.timeline import read_timeline

SIZE = (208, 112)
YUV = ("-pix_fmt", "yuv420p")
X264 = ("-preset", "veryfast", *YUV)
X265 = ("-preset", "veryfast")
FILES = {
    "b_pyramid": {"options": (*X264, "-g", "250", "-bf", "3")},
    "b_without_pyramid": {"options": (*X264, "-g", "48", "-bf", "3", "-x264-params", "b-pyramid=none")},
    "b_strict_pyramid": {"options": (*X264, "-g", "24", "-bf", "4", "-x264-params", "b-pyramid=strict")},
    "gop_12": {"options": (*X264, "-g", "12", "-bf", "2")},
    "open_gop": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1")},
    "open_gop_ts": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"), "container": "ts"},
    "open_gop_mkv": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"), "container": "mkv"},
    "baseline": {"options": (*X264, "-profile:v", "baseline", "-g", "30")},
    "all_intra": {"options": (*X264, "-g", "1")},
    "intra_refresh": {"options": (*X264, "-g", "20", "-x264-params", "intra-refresh=1")},
    "interlaced": {"options": (*X264, "-g", "12", "-flags", "+ilme+ildct", "-x264-params", "tff=1")},
    "ten_bit": {"options": (*X264, "-g", "12", "-pix_fmt", "yuv420p10le")},
    "four_four_four": {"options": (*X264, "-g", "12", "-pix_fmt", "yuv444p")},
    "odd_size": {"options": (*X264, "-g", "12", "-pix_fmt", "yuv444p"), "size": (211, 113)},
    "mov": {"options": (*X264, "-g", "12"), "container": "mov"},
    "mkv": {"options": (*X264, "-g", "12"), "container": "mkv"},
    "ts": {"options": (*X264, "-g", "12"), "container": "ts"},
    "avi": {"options": (*X264, "-g", "12"), "container": "avi"},
    "fragmented": {"options": (*X264, "-g", "12"), "extra": ("-movflags", "frag_keyframe+empty_moov")},
    "hevc": {
        "codec": "libx265",
        "options": (*X265, "-pix_fmt", "yuv420p10le", "-x265-params", "keyint=12:bframes=3:open-gop=0:log-level=0"),
    },
    "hevc_open_gop": {
        "codec": "libx265",
        "options": (*X265, *YUV, "-x265-params", "keyint=12:bframes=4:b-pyramid=1:open-gop=1:log-level=0"),
    },
    "vp8": {
        "codec": "libvpx",
        "container": "webm",
        "options": ("-deadline", "realtime", "-cpu-used", "8", "-g", "20", "-b:v", "300k"),
    },
    "vp9": {
        "codec": "libvpx-vp9",
        "container": "webm",
        "options": ("-auto-alt-ref", "1", "-lag-in-frames", "20", "-cpu-used", "8", "-b:v", "300k", "-g", "20"),
    },
    "av1": {"codec": "libsvtav1", "options": ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20"), "container": "mkv"},
    "mpeg4": {"codec": "mpeg4", "options": ("-bf", "2", "-g", "12", "-q:v", "3"), "container": "avi"},
    "mpeg2": {"codec": "mpeg2video", "options": ("-bf", "2", "-g", "12", "-q:v", "3"), "container": "ts"},
}  # fmt: skip
SILENT = {"avi", "mkv", "webm"}


def made(name: str) -> Path:
    """The file of this name. Every second one carries sound."""
    asked = {"seconds": 2.0, "size": SIZE, **FILES[name]}
    return footage.video(audio=asked.get("container", "mp4") not in SILENT, **asked)


@cache
def full(path: Path, stream: int) -> list[tuple[int, bytes]]:
    """pts and planes of every frame by a plain decode of everything."""
    with av.open(str(path)) as container:
        return [(frame.pts, planes(frame)) for frame in container.decode(container.streams[stream])]


def planes(frame: av.VideoFrame) -> bytes:
    """The visible samples of all planes, without the padding of their lines."""
    return frame.format.name.encode() + frame.to_ndarray().tobytes()


def selections(count: int) -> list[list[int]]:
    """All, the ends, singles all over, and some by chance."""
    chance = random.Random(7)
    single = [[index] for index in range(0, count, 7)]
    return [list(range(count)), [0, count - 1], *single, *(chance.sample(range(count), 5) for _ in range(4))]


def check(path: Path) -> list[Picture]:
    timeline = read_timeline(path)
    expected = full(path, timeline.stream)
    assert len(timeline) == len(expected)
    everything: list[Picture] = []
    for wanted in selections(len(timeline)):
        got = list(decode(path, timeline, wanted))
        everything = everything or got
        assert [picture.index for picture in got] == sorted(wanted)
        assert [picture.pts for picture in got] == [timeline.pts[index] for index in sorted(wanted)]
        for picture in got:
            assert planes(picture.frame) == expected[picture.index][1], f"frame {picture.index} of {wanted}"
    return everything


@pytest.mark.parametrize("name", FILES)
def test_planned_frames_equal_a_full_decode(name: str) -> None:
    pictures = check(made(name))
    width, height = FILES[name].get("size", SIZE)
    shown = [footage.frame_number(render(picture.frame, width=width, height=height)) for picture in pictures]
    assert shown == list(range(50))


def converted(source: Path, name: str, *args: str, before: tuple[str, ...] = ()) -> Path:
    """A file made from another without new encoding unless `args` say so."""
    target = source.with_name(f"{source.stem}_{name}")
    if not target.exists():
        temporary = target.with_name(f"new_{target.name}")
        footage.ffmpeg(*before, "-i", str(source), *args, str(temporary))
        temporary.replace(target)
    return target


@pytest.mark.parametrize("name", ["b_pyramid", "gop_12", "open_gop", "hevc", "b_without_pyramid", "baseline"])
def test_clips_cut_by_stream_copy_show_the_frames_of_their_edit_list_only(name: str) -> None:
    clip = converted(made(name), "clip.mp4", "-c", "copy", "-t", "1", before=("-ss", "0.72"))
    pictures = check(clip)
    shown = [footage.frame_number(render(picture.frame, width=SIZE[0], height=SIZE[1])) for picture in pictures]
    assert shown[:25] == list(range(18, 43))


def test_variable_frame_rates_keep_every_frame_and_its_own_time() -> None:
    dropped = converted(
        made("gop_12"), "vfr.mp4", "-vf", "select='not(eq(mod(n,5),1))*not(between(n,20,29))'",
        "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-an",
    )  # fmt: skip
    kept = [number for number in range(50) if number % 5 != 1 and not 20 <= number <= 29]
    pictures = check(dropped)
    timeline = read_timeline(dropped)
    shown = [footage.frame_number(render(picture.frame, width=SIZE[0], height=SIZE[1])) for picture in pictures]
    assert shown == kept
    assert [round(timeline.seconds(index) * 25) for index in range(len(timeline))] == kept


def test_hidden_reference_frames_of_vp8_are_no_frames() -> None:
    log = footage.CACHE / "vp8_hidden"
    encoder = ("-c:v", "libvpx", "-deadline", "good", "-cpu-used", "5", "-auto-alt-ref", "1", "-lag-in-frames", "25")
    passes = (*encoder, "-b:v", "200k", "-g", "40", "-passlogfile", str(log), "-pass")
    converted(made("gop_12"), "first.webm", "-an", *passes, "1")
    hidden = converted(made("gop_12"), "hidden.webm", "-an", *passes, "2")
    check(hidden)
    timeline = read_timeline(hidden)
    assert len(timeline.packets.pts) > len(timeline) == 50


def test_a_start_that_is_not_zero_is_second_zero_of_the_timeline() -> None:
    late = converted(made("gop_12"), "late.ts", "-c", "copy", "-muxdelay", "0", "-output_ts_offset", "10")
    check(late)
    timeline = read_timeline(late)
    assert timeline.origin * timeline.time_base >= 10
    assert timeline.seconds(0) == 0


def test_of_several_video_streams_the_one_that_players_show_is_read() -> None:
    small, large = made("gop_12"), made("odd_size")
    both = converted(small, "both.mkv", "-i", str(large), "-map", "0:v", "-map", "1:v", "-c", "copy")
    check(both)
    first = read_timeline(both, stream=0)
    second = read_timeline(both, stream=1)
    assert {next(decode(both, line, [3])).frame.width for line in (first, second)} == {208, 211}


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    image = tmp_path / "cover.png"
    footage.ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", str(image))
    target = tmp_path / "covered.mp4"
    footage.ffmpeg(
        "-i", str(image), "-i", str(made("gop_12")), "-map", "1", "-map", "0", "-c", "copy",
        "-disposition:v:1", "attached_pic", str(target),
    )  # fmt: skip
    assert len(read_timeline(target)) == 50


@pytest.mark.store
def test_a_long_video_is_read_by_seeks_and_stays_exact() -> None:
    noise = footage.CACHE / "seek_noise_1.mp4"
    if not noise.exists():
        noise.parent.mkdir(parents=True, exist_ok=True)
        temporary = noise.with_name("new_seek_noise_1.mp4")
        footage.ffmpeg(
            "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=12,noise=alls=80:allf=t",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-crf", "18", str(temporary),
        )  # fmt: skip
        temporary.replace(noise)
    assert noise.stat().st_size > 8_000_000
    timeline = read_timeline(noise)
    wanted = [3, 140, 141, 299]
    expected = full(noise, timeline.stream)
    assert [planes(picture.frame) for picture in decode(noise, timeline, wanted)] == [
        expected[index][1] for index in wanted
    ]


def test_a_rotated_video_comes_out_upright(tmp_path: Path) -> None:
    for degrees, turns in ((90, 1), (180, 2), (270, 3)):
        turned = tmp_path / f"{degrees}.mp4"
        footage.ffmpeg("-display_rotation", str(degrees), "-i", str(made("gop_12")), "-c", "copy", str(turned))
        timeline = read_timeline(turned)
        assert timeline.shape.turned
        picture = next(decode(turned, timeline, [5]))
        width, height = (SIZE[1], SIZE[0]) if turns % 2 else SIZE
        upright = render(picture.frame, width=width, height=height)
        reference = subprocess.run(
            [
                footage.imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(turned), "-frames:v", "6", "-f",
                "rawvideo", "-pix_fmt", "rgb24", "-",
            ],
            capture_output=True, check=True,
        ).stdout[-width * height * 3 :]  # fmt: skip
        shown = footage.np.frombuffer(reference, footage.np.uint8).reshape(height, width, 3)
        assert footage.np.abs(upright.astype(int) - shown).mean() < 3
