"""What cannot be decoded fails with a class; nothing black, repeated or patched up ever passes as a frame."""

from pathlib import Path

import av
import pytest

import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.media.decoding.decode import decode, used_gpu
from reelmill_stages.media.decoding.keyframes import decode_keyframes, key_indices
from reelmill_stages.media.gpu import gpus
from reelmill_stages.media.timeline.timeline import read_timeline

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10", "-bf", "2")
FAST_START = ("-movflags", "+faststart")


def good(container: str = "mp4", extra: tuple[str, ...] = FAST_START) -> Path:
    return footage.video(size=(208, 112), options=X264, container=container, audio=False, extra=extra)


def decode_all(path: Path) -> None:
    timeline = read_timeline(path)
    for _ in decode(path, timeline, range(len(timeline))):
        pass


def reason(path: Path) -> str:
    """The class that reading every frame fails with."""
    with pytest.raises(ItemError) as caught:
        decode_all(path)
    assert str(path.parent) not in str(caught.value)
    return caught.value.reason


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    assert reason(tmp_path / "gone.mp4") == "missing"


def test_a_file_without_bytes_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert reason(tmp_path / "empty.mp4") == "empty"


def test_a_file_that_is_not_a_video_at_all_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 100)
    assert reason(tmp_path / "text.mp4") == "corrupt"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    footage.ffmpeg("-f", "lavfi", "-i", "sine=duration=1", str(sound))
    assert reason(sound) == "no_video"


def test_a_video_stream_without_frames_has_zero_duration(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.avi"
    with av.open(str(good())) as source, av.open(str(nothing), "w") as target:
        target.add_stream_from_template(source.streams.video[0])
        target.start_encoding()
    assert reason(nothing) == "zero_duration"


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_a_file_cut_off_in_the_middle_is_truncated(container: str, tmp_path: Path) -> None:
    data = good(container, FAST_START if container == "mp4" else ()).read_bytes()
    cut = tmp_path / f"cut.{container}"
    cut.write_bytes(data[: len(data) * 2 // 3])
    assert reason(cut) == "truncated"


def test_an_upload_that_ended_before_its_index_is_truncated(tmp_path: Path) -> None:
    data = good(extra=()).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])
    assert reason(cut) == "truncated"


def test_a_playlist_in_disguise_reads_no_other_file(tmp_path: Path) -> None:
    video = good("ts", ())
    disguised = tmp_path / "list.mp4"
    disguised.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video}\n#EXT-X-ENDLIST\n")
    assert reason(disguised) == "not_a_video"


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Frames 20 to 29 are one GOP of five; its bytes, but for the key frame's first ones, are noise."""
    source = good()
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    key = next(packet for packet in packets if packet.pts == packets[0].pts + 20 * packets[0].duration)
    data[key.pos + 200 : key.pos + key.size] = bytes((7 * byte + 3) % 256 for byte in range(key.size - 200))
    target = tmp_path / "damaged.mp4"
    target.write_bytes(data)
    return target


def test_frames_that_depend_on_damage_fail_even_where_the_decoder_would_patch_them_up(damaged: Path) -> None:
    timeline = read_timeline(damaged)
    for index in range(20, 30):
        with pytest.raises(ItemError) as caught:
            list(decode(damaged, timeline, [index]))
        assert caught.value.reason in {"corrupt", "decode_error"}


def test_damage_elsewhere_in_the_file_does_not_touch_good_frames(damaged: Path) -> None:
    timeline = read_timeline(damaged)
    for wanted in ([0, 19], [30, 49], [5], [30]):
        assert [picture.index for picture in decode(damaged, timeline, wanted)] == wanted


def test_what_is_yielded_before_an_error_is_good(damaged: Path) -> None:
    timeline = read_timeline(damaged)
    expected = {picture.index: picture.frame.to_ndarray().tobytes() for picture in decode(good(), timeline, range(20))}
    seen = []
    pictures = decode(damaged, timeline, range(50))
    with pytest.raises(ItemError):
        seen.extend((picture.index, picture.frame.to_ndarray().tobytes()) for picture in pictures)
    assert seen == list(expected.items())


def test_a_file_that_changed_since_its_timeline_was_read_fails(tmp_path: Path) -> None:
    timeline = read_timeline(good())
    other = footage.video(size=(208, 112), options=(*X264, "-crf", "30"), audio=False)
    with pytest.raises(ItemError):
        list(decode(other, timeline, [30]))


def test_an_index_outside_of_the_timeline_is_a_bug_of_the_caller() -> None:
    timeline = read_timeline(good())
    with pytest.raises(IndexError):
        decode(good(), timeline, [50])


def test_000_f11_without_a_gpu_decoder_the_cpu_gives_the_same_frames() -> None:
    assert gpus() == [] or all(gpu.name for gpu in gpus())
    timeline = read_timeline(good())
    wanted = [0, 13, 49]
    cpu = list(decode(good(), timeline, wanted))
    fallen = list(decode(good(), timeline, wanted, gpu=99))
    assert not any(used_gpu(picture) for picture in fallen)
    assert [picture.frame.to_ndarray().tobytes() for picture in fallen] == [
        picture.frame.to_ndarray().tobytes() for picture in cpu
    ]


def test_key_frames_come_from_their_packets_alone() -> None:
    timeline = read_timeline(good())
    pictures = list(decode_keyframes(good(), timeline))
    assert [picture.index for picture in pictures] == key_indices(timeline) == [0, 10, 20, 30, 40]
    assert {picture.kind for picture in pictures} == {"I"}
    with pytest.raises(ValueError, match="not a key frame"):
        decode_keyframes(good(), timeline, [3])


CUT_PICTURES = {
    "mjpeg": ("avi", "yuvj420p"),
    "jpegls": ("avi", "rgb24"),
    "jpeg2000": ("mkv", "yuv420p"),
    "dvvideo": ("avi", "yuv420p"),
}


@pytest.mark.parametrize("codec", list(CUT_PICTURES))
def test_a_picture_of_which_the_end_is_lost_is_refused_and_its_neighbours_are_not(codec: str, tmp_path: Path) -> None:
    """A decoder fills what is missing; a packet without its end is damaged, whatever the container says of it."""
    container, pixels = CUT_PICTURES[codec]
    whole, cut = tmp_path / f"whole.{container}", tmp_path / f"cut.{container}"
    graph = f"testsrc2=s={'720x576' if codec == 'dvvideo' else '128x96'}:r=25:d=0.2,noise=alls=20,format={pixels}"
    footage.ffmpeg("-f", "lavfi", "-i", graph, "-c:v", codec, str(whole))
    timeline = read_timeline(whole)
    right = [picture.frame.to_ndarray().tobytes() for picture in decode(whole, timeline, range(5))]
    for lost in (40, 400):
        with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
            for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
                rest = av.Packet(bytes(packet)[: -lost if number == 2 else None])
                rest.pts, rest.dts, rest.duration = packet.pts, packet.dts, packet.duration
                rest.time_base, rest.is_keyframe, rest.stream = packet.time_base, True, stream
                target.mux(rest)
        timeline = read_timeline(cut)
        assert len(timeline) == 5
        for index in (0, 1, 3, 4):
            (picture,) = decode(cut, timeline, [index])
            assert picture.frame.to_ndarray().tobytes() == right[index]
        with pytest.raises(ItemError) as caught:
            list(decode(cut, timeline, [2]))
        assert caught.value.reason == "corrupt"
