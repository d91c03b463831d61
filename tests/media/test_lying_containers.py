"""Where a container is wrong, pictures are right or refused: never other ones, never fewer in silence."""

from pathlib import Path

import av
import pytest

from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.media.cutting.cut import cut_at, cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline

pytestmark = pytest.mark.store


def taken(path: Path, timeline: Timeline, wanted: list[int]) -> list[int]:
    return [lying.shows(picture.frame) for picture in decode(path, timeline, wanted)]


def copied(path: Path, start: float, end: float, target: Path) -> bool:
    """Whether the clip could be copied; it is encoded where it could not, as the stage does."""
    timeline = read_timeline(path)
    cut = cut_at(timeline, start, end)
    with remuxer(path, timeline, audio=True) as video:
        piece = video.slice_of(cut)
        if piece is not None:
            video.copy(cut, piece, target)
            return True
        encode(video, cut, target, Encoding(preset="ultrafast", crf=5))
        return False


def check(path: Path, folder: Path, frames: int, *, copies: bool) -> Timeline:
    """Every frame, some of them, and clips by both ways show the right numbers."""
    timeline = read_timeline(path)
    assert taken(path, timeline, list(range(frames))) == list(range(frames)) == lying.shown(path)
    assert len(timeline) == frames
    for index in (2, 7, frames // 2 + 1, frames - 3):
        assert taken(path, timeline, [index]) == [index]
    for start in range(0, frames, 10):
        clip = folder / "clip.mp4"
        assert copied(path, timeline.seconds(start), timeline.seconds(start) + 0.75, clip) is copies
        first = lying.shown(clip)
        assert first == list(range(start, start + len(first)))
        assert 5 <= len(first) <= 8
        with remuxer(path, timeline, audio=True) as video:
            encode(video, cut_frames(timeline, range(start, start + 5)), clip, Encoding(preset="ultrafast", crf=5))
        assert lying.shown(clip) == list(range(start, start + 5))
    return timeline


@pytest.mark.parametrize(("codec", "lies"), [("m4v", True), ("hevc", True), ("h264", True)])
def test_samples_that_are_all_called_sync_samples_are_not_believed(codec: str, lies: bool, tmp_path: Path) -> None:
    timeline = check(lying.all_sync(codec, tmp_path), tmp_path, 40, copies=True)
    assert timeline.repaired is lies
    assert timeline.packets.keys.count(True) < 10


def test_two_pictures_in_one_packet_are_two_frames(tmp_path: Path) -> None:
    timeline = check(lying.packed_avi(tmp_path), tmp_path, 40, copies=False)
    assert timeline.special_properties() == {"measured": "packet 1: a packet holds several pictures"}


def test_samples_of_no_bytes_show_nothing_new(tmp_path: Path) -> None:
    timeline = check(lying.zero_byte_samples(tmp_path), tmp_path, 30, copies=True)
    assert timeline.special_properties() == {}


@pytest.mark.parametrize("way", ["four_zeros", "newline", "trailer", "streamed.avi"])
def test_bytes_after_a_complete_video_do_not_make_it_truncated(way: str, tmp_path: Path) -> None:
    if way == "streamed.avi":
        path = lying.film(tmp_path, "film.avi", extra=("-c:v", "mpeg4", "-q:v", "3", "-g", "10"))
        data = path.read_bytes()
        path.write_bytes(data[:4] + b"\xff\xff\xff\xff" + data[8:])
    else:
        path = lying.film(tmp_path, "film.mp4")
        more = {
            "four_zeros": b"\0\0\0\0",
            "newline": b"\r\n",
            "trailer": b"maker trailer that is no box 0123456789 end",
        }
        path.write_bytes(path.read_bytes() + more[way])
    check(path, tmp_path, 30, copies=True)


def test_a_matroska_file_that_lacks_only_what_follows_its_pictures_is_whole(tmp_path: Path) -> None:
    path = lying.film(tmp_path, "film.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\x1c\x53\xbb\x6b") + 8])
    check(path, tmp_path, 30, copies=True)


def test_a_video_that_begins_late_in_a_container_that_seeks_no_earlier_is_encoded(tmp_path: Path) -> None:
    path = lying.film(tmp_path, "late.flv", frames=40, extra=("-c:v", "libx264", "-g", "10", "-bf", "2"))
    assert read_timeline(path).origin > 0
    check(path, tmp_path, 40, copies=True)


@pytest.mark.parametrize("extra", [(), ("-x264-params", "open-gop=1")])
def test_times_that_are_decode_times_are_told_from_the_order_of_pictures(
    extra: tuple[str, ...], tmp_path: Path
) -> None:
    """An mp4 without composition offsets, although its pictures are reordered."""
    path = lying.film(tmp_path, "raw.h264", frames=40, extra=("-c:v", "libx264", "-g", "10", "-bf", "2", *extra))
    target = tmp_path / "plain.mp4"
    with av.open(str(path)) as before, av.open(str(target), "w") as after:
        track = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for place, data in enumerate(bytes(packet) for packet in before.demux(video=0) if packet.size):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.duration = track, place, place, 1
            packet.time_base = lying.Fraction(1, 10)
            after.mux(packet)
    timeline = check(target, tmp_path, 40, copies=False)
    assert timeline.measured == "times of presentation are in another order than the pictures"


def test_a_stream_that_begins_between_key_frames_begins_with_what_can_be_decoded(tmp_path: Path) -> None:
    encoder = ("-c:v", "libx264", "-g", "10", "-bf", "2", "-sc_threshold", "0")
    path = lying.film(tmp_path, "cut.ts", frames=40, extra=encoder)
    data = path.read_bytes()
    path.write_bytes(data[: 188 * 3] + data[188 * 12 :])
    timeline = read_timeline(path)
    shown = taken(path, timeline, list(range(len(timeline))))
    assert 5 < len(shown) < 40
    assert shown == list(range(40 - len(shown), 40))


@pytest.mark.parametrize("offset", [0.0, 1.05, 400.0])
def test_recordings_with_clocks_of_their_own_follow_each_other(offset: float, tmp_path: Path) -> None:
    path = lying.joined(tmp_path, offset)
    timeline = read_timeline(path)
    assert timeline.measured.startswith("the clock goes")
    assert timeline.measured.endswith("at packet 30")
    assert taken(path, timeline, list(range(60))) == [*range(30), *range(30)] == lying.shown(path)
    assert [timeline.seconds(index) for index in range(60)] == pytest.approx([index / 10 for index in range(60)])
    assert timeline.duration == pytest.approx(6.0)
    for start, expected in ((0.0, range(10)), (2.5, [25, 26, 27, 28, 29, 0, 1, 2, 3, 4]), (5.0, range(20, 30))):
        assert not copied(path, start, start + 1.0, tmp_path / "clip.mp4")
        assert lying.shown(tmp_path / "clip.mp4") == list(expected)
        assert read_timeline(tmp_path / "clip.mp4").duration == pytest.approx(1.0)


def test_the_sound_of_a_clock_that_jumps_is_refused_in_one_sentence(tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=3")
    part = lying.film(tmp_path, "part.ts", extra=(*lying.X264, "-c:a", "aac"), sound=sound)
    path = tmp_path / "joined.ts"
    path.write_bytes(part.read_bytes() * 2)
    timeline = read_timeline(path)
    assert taken(path, timeline, [0, 30, 59]) == [0, 0, 29]
    with (
        pytest.raises(ItemError, match=r"several recordings in one .*audio: drop") as caught,
        remuxer(path, timeline, audio=True),
    ):
        pass
    assert caught.value.reason == "clock_jumps"
    with remuxer(path, timeline, audio=False) as video:
        encode(video, cut_at(timeline, 2.0, 4.0), tmp_path / "clip.mp4", Encoding(preset="ultrafast", crf=5))
    assert lying.shown(tmp_path / "clip.mp4") == [*range(20, 30), *range(10)]


def test_a_clock_that_continues_in_a_second_recording_is_one_video(tmp_path: Path) -> None:
    timeline = read_timeline(lying.joined(tmp_path, 3.2))
    assert len(timeline) == 60
    assert timeline.duration == pytest.approx(6.0)
    assert taken(tmp_path / "joined.ts", timeline, [0, 29, 30, 59]) == [0, 29, 0, 29]


@pytest.mark.parametrize(
    ("encoder", "kind", "between"), [("libx264", "h264", 0), ("libx264", "h264", 2), ("libx265", "hevc", 0)]
)
def test_pictures_without_a_time_of_their_own_count(encoder: str, kind: str, between: int, tmp_path: Path) -> None:
    """A transport stream that packs two pictures in each of its packets, under one time."""
    options = ("-c:v", encoder, "-g", "10", "-bf", str(between), "-x265-params", "log-level=0:pools=none", "-f", kind)
    raw = lying.film(tmp_path, f"raw.{kind}", frames=40, extra=options)
    target = tmp_path / "two.ts"
    with av.open(str(raw)) as before, av.open(str(target), "w", format="mpegts") as after:
        track = after.add_stream_from_template(before.streams.video[0], opaque=True)
        pictures = [bytes(packet) for packet in before.demux(video=0) if packet.size]
        for place in range(0, len(pictures), 2):
            packet = av.Packet(b"".join(pictures[place : place + 2]))
            packet.stream, packet.time_base = track, lying.Fraction(1, 90000)
            packet.pts = packet.dts = 90000 + place * 9000
            after.mux(packet)
    timeline = check(target, tmp_path, 40, copies=False)
    assert timeline.measured == "packets have no time of presentation"
    assert timeline.duration == pytest.approx(4.0, abs=0.11)


EDITS = {
    "swapped": ([(1000, 20480), (1000, 0)], [*range(20, 30), *range(10)]),
    "from_the_middle": ([(700, 23 * 1024), (800, 6 * 1024)], [*range(23, 30), *range(6, 14)]),
    "twice_the_same": ([(1000, 10240), (1000, 10240)], [*range(10, 20), *range(10, 20)]),
    "after_a_pause": ([(500, -1), (2000, 5120)], [*range(5, 25)]),
    "in_two_steps": ([(1000, 0), (1000, 10240)], [*range(20)]),
}


@pytest.mark.parametrize("between", [0, 2])
@pytest.mark.parametrize("name", EDITS)
def test_a_movie_is_what_its_edit_list_shows(name: str, between: int, tmp_path: Path) -> None:
    edits, shows = EDITS[name]
    path = lying.edited(tmp_path, edits, between=between)
    timeline = read_timeline(path)
    assert taken(path, timeline, list(range(len(timeline)))) == shows == lying.shown(path)
    assert [taken(path, timeline, [index]) for index in (3, 9, 11)] == [[shows[index]] for index in (3, 9, 11)]
    for frames in (range(2, 8), range(6, 14), range(11, 14)):
        cut, clip = cut_frames(timeline, frames), tmp_path / "clip.mp4"
        with remuxer(path, timeline, audio=True) as video:
            piece = video.slice_of(cut)
            if piece is not None:
                video.copy(cut, piece, clip)
                assert lying.shown(clip) == shows[frames.start : frames.stop]
            encode(video, cut, clip, Encoding(preset="ultrafast", crf=5))
        assert lying.shown(clip) == shows[frames.start : frames.stop]


@pytest.mark.parametrize("lost", [0, 14, 20])
@pytest.mark.parametrize(
    "options", ["open-gop=1:bframes=4", "open-gop=0:bframes=4:radl=3", "temporal-layers=3:bframes=3:b-pyramid=1"]
)
def test_leading_pictures_are_shown_where_their_type_says_that_they_can(
    options: str, lost: int, tmp_path: Path
) -> None:
    """HEVC that lacks its first packets: what begins the film can be decoded, though it is shown before its key."""
    params = f"log-level=0:keyint=10:min-keyint=10:scenecut=0:pools=none:frame-threads=1:{options}"
    path = lying.film(tmp_path, "film.ts", frames=60, extra=("-c:v", "libx265", "-x265-params", params))
    data = path.read_bytes()
    path.write_bytes(data[: 188 * 2] + data[188 * (2 + lost) :])
    timeline = read_timeline(path)
    assert [number for index in range(len(timeline)) for number in taken(path, timeline, [index])] == lying.shown(path)
    assert bool(timeline.undecodable) is bool(lost)
    if lost and "radl" in options:
        assert taken(path, timeline, [0, 3]) == [7, 10]
