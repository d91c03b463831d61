"""An encoded clip shows the frames of its span, each once, and no other; ffmpeg is kept on a short lead."""

import sys
from pathlib import Path

import av
import pytest

import footage
from reelmill.contract.errors import ItemError, SpecError
from reelmill_stages.media import ffmpeg
from reelmill_stages.media.cutting.cut import cut_at
from reelmill_stages.media.cutting.encode import Encoding, arguments, encode, fields_as_frames, is_interlaced
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.timeline.timeline import read_timeline

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p")
FILES = {
    "mp4": {"options": (*X264, "-g", "20")},
    "open_gop_ts": {"options": (*X264, "-g", "12", "-x264-params", "open-gop=1"), "container": "ts"},
    "mkv": {"options": (*X264, "-g", "20"), "container": "mkv"},
    "avi": {"options": (*X264, "-g", "20"), "container": "avi"},
    "variable_rate": {"options": (*X264, "-g", "20", "-vf", "setpts=PTS+mod(N\\,3)*0.012/TB", "-fps_mode", "vfr")},
    "late_start": {"options": (*X264, "-g", "20"), "extra": ("-output_ts_offset", "7.3")},
    "intra_refresh": {"options": (*X264, "-g", "20", "-x264-params", "intra-refresh=1")},
    "odd_size_ten_bit": {"options": ("-pix_fmt", "yuv444p10le", "-g", "20"), "size": (211, 113)},
    "vp8_hidden_frames": {
        "codec": "libvpx",
        "container": "webm",
        "options": ("-auto-alt-ref", "1", "-lag-in-frames", "25", "-cpu-used", "5", "-b:v", "900k", "-g", "20"),
    },
}  # fmt: skip


def source(name: str) -> Path:
    return footage.video(**{"seconds": 2.0, "size": (208, 112), **FILES[name]})


def cut_out(path: Path, start: float, end: float, target: Path, how: Encoding) -> range:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, start, end)
        encode(video, cut, target, how)
    return cut.frames


@pytest.mark.parametrize("name", FILES)
def test_an_encoded_clip_shows_the_frames_of_its_span(name: str, tmp_path: Path) -> None:
    path, target = source(name), tmp_path / "clip.mp4"
    times = read_timeline(path)
    frames = cut_out(path, 1.02, 1.7, target, Encoding(preset="ultrafast", crf=8))
    with av.open(str(target)) as container:
        shown = list(container.decode(video=0))
    assert [footage.frame_number(frame.to_ndarray(format="rgb24")) for frame in shown] == list(frames)
    for frame, index in zip(shown, frames, strict=True):
        assert float(frame.pts * frame.time_base) == pytest.approx(
            times.seconds(index) - times.seconds(frames[0]), abs=1e-3
        )


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("size", [(209, 112), (208, 111), (211, 113)])
def test_no_row_and_no_column_of_a_picture_is_cut_off(size: tuple[int, int], codec: str, tmp_path: Path) -> None:
    path = footage.video(seconds=1.0, size=size, options=("-pix_fmt", "yuv444p", "-g", "20"))
    cut_out(path, 0.2, 0.6, tmp_path / "clip.mp4", Encoding(codec, 8, "ultrafast"))
    with av.open(str(tmp_path / "clip.mp4")) as made, av.open(str(path)) as whole:
        clip = next(made.decode(video=0))
        frames = list(whole.decode(video=0))
    number = footage.frame_number(clip.to_ndarray(format="rgb24"))
    assert (clip.width, clip.height, clip.format.name) == (*size, "yuv444p")
    theirs = frames[number].to_ndarray(format="rgb24").astype(int)
    assert abs(clip.to_ndarray(format="rgb24").astype(int) - theirs).mean() < 3


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced_video_stays_interlaced_in_h264_and_says_where_it_does_not(order: str, tmp_path: Path) -> None:
    fields = ("-flags", "+ilme+ildct", "-x264-params", f"{order}=1")
    path = footage.video(seconds=1.0, size=(208, 112), options=(*X264, "-g", "20", *fields))
    cut_out(path, 0.2, 0.6, tmp_path / "clip.mp4", Encoding("h264", 8, "ultrafast"))
    with av.open(str(tmp_path / "clip.mp4")) as made, av.open(str(path)) as whole:
        assert made.streams.video[0].codec_context.field_order == whole.streams.video[0].codec_context.field_order
        assert all(frame.interlaced_frame for frame in made.decode(video=0))
    with remuxer(path, read_timeline(path), audio=True) as video:
        assert is_interlaced(video)
        assert [fields_as_frames(video, Encoding(codec)) for codec in ("h264", "hevc", "h264_nvenc")] == [
            False, True, True,
        ]  # fmt: skip
        assert fields_as_frames(video, Encoding(scale=(104, 56)))


def test_ordinary_video_is_encoded_as_before() -> None:
    timeline = read_timeline(source("mp4"))
    with remuxer(source("mp4"), timeline, audio=True) as video:
        argv = arguments(video, cut_at(timeline, 0.2, 0.4), Path("x.mp4"), Encoding())
        assert not is_interlaced(video)
    assert argv[argv.index("-pix_fmt") + 1] == "yuv420p"
    assert argv[argv.index("-flags:v") + 1] == "+bitexact"
    assert "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0" in argv[argv.index("-filter:v") + 1]


def test_hevc_is_written_as_players_know_it(tmp_path: Path) -> None:
    cut_out(source("mp4"), 0.2, 0.6, tmp_path / "clip.mp4", Encoding(codec="hevc", preset="ultrafast"))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


def test_the_same_encoding_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        cut_out(source("mp4"), 0.2, 1.0, tmp_path / name, Encoding(preset="ultrafast"))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_no_character_of_a_path_means_anything_to_ffmpeg(tmp_path: Path) -> None:
    odd = tmp_path / "-i %d:'é\n[x] .mp4"
    odd.write_bytes(source("mp4").read_bytes())
    cut_out(odd, 0.2, 0.4, tmp_path / "-y %03d.mp4", Encoding(preset="ultrafast"))
    assert (tmp_path / "-y %03d.mp4").is_file()


def test_gpu_encoders_are_asked_for_constant_quality() -> None:
    timeline = read_timeline(source("mp4"))
    with remuxer(source("mp4"), timeline, audio=True) as video:
        argv = arguments(video, cut_at(timeline, 0.2, 0.4), Path("x.mp4"), Encoding("h264_nvenc", 23, "fast"))
    assert argv[argv.index("-c:v") + 1] == "h264_nvenc"
    assert argv[argv.index("-cq") + 1] == "23"
    assert argv[argv.index("-preset") + 1] == "p4"


def test_ffmpeg_gets_no_terminal_and_no_network() -> None:
    argv = ffmpeg.command(Path("/a"), Path("/b"), streams=["0"], before={}, after={})
    assert "-nostdin" in argv
    assert argv[argv.index("-protocol_whitelist") + 1] == "file"
    assert argv.index("-protocol_whitelist") < argv.index("-i")
    assert "file:/b" in argv


def test_a_playlist_that_calls_home_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")
    argv = ffmpeg.command(tmp_path / "x.m3u8", tmp_path / "x.mp4", streams=["0"], before={}, after={"c": "copy"})
    with pytest.raises(ItemError, match="ffmpeg ended with") as caught:
        ffmpeg.run(argv, timeout=300)
    assert caught.value.reason == "ffmpeg_failed"


@pytest.mark.store
def test_a_hanging_ffmpeg_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="was killed") as caught:
        ffmpeg.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.3)
    assert caught.value.reason == "encode_timeout"


def test_a_failed_encoding_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ItemError) as caught:
        cut_out(source("mp4"), 0.2, 0.4, tmp_path / "no" / "folder.mp4", Encoding(preset="ultrafast"))
    assert caught.value.reason == "ffmpeg_failed"
    assert "No such file" in caught.value.what


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("ffmpeg version 5.1.6-0+deb12u1 Copyright", (5, 1, 6)),
        ("ffmpeg version n7.0.2 Copyright", (7, 0, 2)),
        ("ffmpeg version N-118000-gabcdef Copyright", ()),
        ("nonsense", ()),
    ],
)
def test_versions_are_read_from_the_banner(banner: str, version: tuple[int, ...]) -> None:
    assert ffmpeg.parse_version(banner) == version


def test_an_ffmpeg_that_is_too_old_is_named() -> None:
    with pytest.raises(SpecError, match=r"no ffmpeg of version 999\.0") as caught:
        ffmpeg.binary((999, 0))
    assert "PATH" in caught.value.hint
