"""A copied clip shows the source's frames with start <= t < end, all of them and no other, bit for bit."""

import random
import subprocess
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import pytest

import exact
import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.media.cutting.cut import Cut, cut_at, slice_of
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.timeline.timeline import read_timeline

SIZE = (192, 112)
X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p")
X265 = ("-preset", "veryfast", "-pix_fmt", "yuv420p")
FILES = {
    "gop_250_b_frames": {"options": (*X264, "-g", "250", "-bf", "3")},
    "gop_48": {"options": (*X264, "-g", "48", "-bf", "2")},
    "b_without_pyramid": {"options": (*X264, "-g", "24", "-bf", "3", "-x264-params", "b-pyramid=none")},
    "no_b_frames": {"options": (*X264, "-g", "20", "-bf", "0")},
    "all_intra": {"options": (*X264, "-g", "1")},
    "open_gop": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1")},
    "open_gop_ts": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"), "container": "ts"},
    "open_gop_mkv": {"options": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"), "container": "mkv"},
    "interlaced": {"options": (*X264, "-g", "12", "-flags", "+ilme+ildct", "-x264-params", "tff=1")},
    "mkv": {"options": (*X264, "-g", "20"), "container": "mkv"},
    "mov": {"options": (*X264, "-g", "20"), "container": "mov"},
    "ts": {"options": (*X264, "-g", "20"), "container": "ts"},
    "fragmented": {"options": (*X264, "-g", "20"), "extra": ("-movflags", "frag_keyframe+empty_moov")},
    "late_start": {"options": (*X264, "-g", "20"), "extra": ("-output_ts_offset", "7.3")},
    "variable_rate": {"options": (*X264, "-g", "20", "-vf", "setpts=PTS+mod(N\\,3)*0.012/TB", "-fps_mode", "vfr")},
    "no_audio": {"options": (*X264, "-g", "20"), "audio": False},
    "odd_size": {"options": (*X264, "-pix_fmt", "yuv444p", "-g", "20"), "size": (201, 113)},
    "ten_bit": {"options": (*X264, "-pix_fmt", "yuv420p10le", "-g", "20")},
    "hevc": {"codec": "libx265", "options": (*X265, "-x265-params", "keyint=12:bframes=3:open-gop=0:log-level=0")},
    "hevc_open_gop_10_bit_ts": {
        "codec": "libx265",
        "container": "ts",
        "options": (*X265, "-pix_fmt", "yuv420p10le", "-x265-params", "keyint=12:bframes=4:open-gop=1:log-level=0"),
    },
    "hevc_open_gop_mkv": {
        "codec": "libx265",
        "container": "mkv",
        "options": (*X265, "-x265-params", "keyint=12:bframes=4:open-gop=1:log-level=0"),
    },
    "vp9_hidden_frames": {
        "codec": "libvpx-vp9",
        "container": "webm",
        "options": ("-auto-alt-ref", "1", "-lag-in-frames", "20", "-cpu-used", "8", "-b:v", "300k", "-g", "20"),
    },
    "av1": {"codec": "libsvtav1", "container": "mkv", "options": ("-preset", "12", "-pix_fmt", "yuv420p", "-g", "20")},
    "mpeg2": {"codec": "mpeg2video", "container": "ts", "options": ("-bf", "2", "-g", "12", "-q:v", "3")},
    "mpeg4": {"codec": "mpeg4", "container": "avi", "options": ("-bf", "2", "-g", "12", "-q:v", "3")},
}  # fmt: skip


@cache
def source(name: str) -> Path:
    return footage.video(**{"seconds": 3.0, "size": SIZE, **FILES[name]})


def check_exact(path: Path, folder: Path, spans: list[tuple[float, float]]) -> None:
    """Cut all spans out of one open file and compare every visible frame of every clip."""
    whole = exact.shown(path)
    timeline = read_timeline(path)
    assert len(timeline) == len(whole)
    with remuxer(path, timeline, audio=True) as video:
        for number, (start, end) in enumerate(spans):
            cut = cut_at(timeline, start, end)
            expected = [digest for at, digest in whole if start <= round(float(at - whole[0][0]), 6) < end]
            piece = video.slice_of(cut)
            assert piece is not None
            target = folder / f"{number}.mp4"
            video.copy(cut, piece, target)
            clip = exact.shown(target)
            assert [digest for _, digest in clip] == expected, (start, end)
            assert clip[0][0] == 0
            times = [at for at, _ in whole[cut.frames.start : cut.frames.stop]]
            late = [abs(at - (time - times[0])) for (at, _), time in zip(clip, times, strict=True)]
            assert max(late) <= Fraction(1, 10_000)


def spans_of(duration: float, seed: str) -> list[tuple[float, float]]:
    """The whole, both edges, one frame, and some anywhere."""
    chance = random.Random(seed)
    anywhere = (sorted((chance.uniform(0, duration), chance.uniform(0, duration))) for _ in range(3))
    return [(0.0, duration), (0.0, 0.5), (duration - 0.3, duration), (1.2, 1.24)] + [
        (round(start, 3), round(max(end, start + 0.15), 3)) for start, end in anywhere
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_visible_frame_of_a_copied_clip_is_the_sources_bit_for_bit(name: str, tmp_path: Path) -> None:
    check_exact(source(name), tmp_path, spans_of(2.9, name))


def test_a_source_with_an_edit_list_of_its_own_is_cut_on_its_visible_time_line(tmp_path: Path) -> None:
    trimmed = tmp_path / "trimmed.mp4"
    footage.ffmpeg("-ss", "0.7", "-i", str(source("gop_250_b_frames")), "-c", "copy", "-t", "2", str(trimmed))
    assert read_timeline(trimmed).packets.pts[0] < 0
    check_exact(trimmed, tmp_path, [(0.0, 0.5), (0.48, 1.36), (1.0, 1.9)])


def test_a_clip_of_a_clip_is_exact_too(tmp_path: Path) -> None:
    path = source("gop_250_b_frames")
    timeline = read_timeline(path)
    once = tmp_path / "once.mp4"
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, 0.72, 2.4)
        video.copy(cut, slice_of(timeline, cut), once)
    check_exact(once, tmp_path, [(0.0, 0.4), (0.4, 1.2), (1.0, 1.68)])


def test_of_several_streams_the_one_that_players_show_is_cut(tmp_path: Path) -> None:
    both = tmp_path / "both.mkv"
    small, large = source("gop_48"), footage.video(seconds=3.0, size=(320, 192), options=(*X264, "-g", "20"))
    footage.ffmpeg("-i", str(large), "-i", str(small), "-map", "0", "-map", "1", "-c", "copy", str(both))
    timeline = read_timeline(both)
    with remuxer(both, timeline, audio=True) as video:
        cut = cut_at(timeline, 0.5, 1.5)
        video.copy(cut, video.slice_of(cut), tmp_path / "clip.mp4")
    assert exact.shown(tmp_path / "clip.mp4")[0][1] == exact.shown(large)[13][1]
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert len(container.streams.video) == len(container.streams.audio) == 1


def test_rotation_is_kept(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    footage.ffmpeg("-display_rotation", "90", "-i", str(source("gop_48")), "-c", "copy", str(turned))
    cut_out(turned, 0.5, 1.5, tmp_path / "clip.mp4")
    assert rotation(tmp_path / "clip.mp4") == rotation(turned) != 0


def test_the_same_clip_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        cut_out(source("gop_48"), 0.5, 1.5, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_neighbouring_spans_share_no_frame_and_lose_none(tmp_path: Path) -> None:
    timeline = read_timeline(source("variable_rate"))
    edges = [0.0, 0.1 + 0.2, 0.7, 1.1, 1.9999999, 2.5]
    cuts = [cut_at(timeline, start, end) for start, end in pairwise(edges)]
    assert [index for cut in cuts for index in cut.frames] == list(range(cuts[-1].frames.stop))
    assert all(before.end == after.start for before, after in pairwise(cuts))


def test_no_more_frames_are_hidden_at_the_end_than_the_last_ones_need(tmp_path: Path) -> None:
    timeline = read_timeline(source("gop_250_b_frames"))
    for first, last in ((0, 20), (13, 40), (30, 31)):
        cut = cut_at(timeline, timeline.seconds(first), timeline.seconds(last))
        piece = slice_of(timeline, cut)
        tail = [pts for pts in timeline.packets.pts[piece.first : piece.last + 1] if pts >= cut.end]
        assert len(tail) <= 3


def test_decode_times_rise_and_are_never_after_their_frames() -> None:
    timeline = read_timeline(source("mkv"))
    piece = slice_of(timeline, cut_at(timeline, 0.5, 2.0))
    stamps = timeline.packets.pts[piece.first : piece.last + 1]
    assert all(dts <= pts for dts, pts in zip(piece.dts, stamps, strict=True))
    assert list(piece.dts) == sorted(set(piece.dts))


def test_d4_a_clip_that_was_only_half_written_is_not_there(tmp_path: Path) -> None:
    path = source("gop_48")
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, 0.5, 1.5)
        piece = video.slice_of(cut)
        missing = Cut(range(cut.frames.start, cut.frames.stop + 3), cut.start, cut.end, cut.time_base)
        with pytest.raises(ItemError, match="shows 25 frames, not the 28") as caught:
            video.copy(missing, piece, tmp_path / "clip.mp4")
    assert caught.value.reason == "unverified"
    assert not list(tmp_path.iterdir())


def test_a_codec_that_no_mp4_holds_is_not_copied() -> None:
    path = footage.video(seconds=1.0, size=SIZE, codec="libvpx", container="webm", options=("-deadline", "realtime"))
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        assert video.slice_of(cut_at(timeline, 0.0, 0.5)) is None


def test_a_recovery_point_is_not_a_start_of_a_copy(tmp_path: Path) -> None:
    path = footage.video(seconds=3.0, size=SIZE, options=(*X264, "-g", "20", "-x264-params", "intra-refresh=1"))
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        assert video.slice_of(cut_at(timeline, 1.5, 2.5)).first == 0
    check_exact(path, tmp_path, [(0.0, 0.5), (1.5, 2.5)])


def test_a_clip_plays_as_long_as_its_frames_in_other_players_too(tmp_path: Path) -> None:
    """The ffmpeg binary is another version of the library than PyAV's."""
    import imageio_ffmpeg

    cut_out(source("gop_250_b_frames"), 0.72, 1.92, tmp_path / "clip.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / "clip.mp4"), "-map", "0:v", "-f", "framemd5", "-"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert sum(not line.startswith("#") for line in shown) == 30


def cut_out(path: Path, start: float, end: float, target: Path) -> Cut:
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        cut = cut_at(timeline, start, end)
        video.copy(cut, video.slice_of(cut), target)
    return cut


def rotation(path: Path) -> int:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).rotation


def damaged(folder: Path) -> Path:
    """A video with the second half of one of its pictures overwritten."""
    path = source("gop_48")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][30]
        place, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    data[place : place + size] = b"\xff" * size
    (folder / "damaged.mp4").write_bytes(data)
    return folder / "damaged.mp4"


def test_a_damaged_packet_is_not_copied_and_its_neighbours_are(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        before, over = cut_at(timeline, 0.0, 0.8), cut_at(timeline, 0.4, 2.0)
        video.copy(before, video.slice_of(before), tmp_path / "before.mp4")
        with pytest.raises(ItemError) as caught:
            video.copy(over, video.slice_of(over), tmp_path / "over.mp4")
    assert caught.value.reason == "corrupt"
    assert not (tmp_path / "over.mp4").exists()


def test_a_damaged_picture_is_not_encoded(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video, pytest.raises(ItemError) as caught:
        encode(video, cut_at(timeline, 0.4, 2.0), tmp_path / "over.mp4", Encoding(preset="ultrafast"))
    assert caught.value.reason in {"corrupt", "ffmpeg_failed", "unverified"}
    assert not (tmp_path / "over.mp4").exists()
