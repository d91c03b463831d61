"""A transport stream that lost packets or its end gives only pictures of the whole one: decoders do not tell."""

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import hypothesis
import pytest
from hypothesis import strategies as st

import footage
from exact import picture_digest
from reelmill.contract.errors import ItemError
from reelmill_stages.media.bitstream.mpeg12 import Mpeg12Reader
from reelmill_stages.media.bitstream.units import DamagedPacket
from reelmill_stages.media.container.demux import opened, video_stream
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.counted_frames import measure
from reelmill_stages.media.timeline.packet_table import see
from reelmill_stages.media.timeline.timeline import read_timeline

TS = 188
ENCODING = Encoding(preset="ultrafast", crf=20)
CODECS = {
    "hevc": ("libx265", ("-preset", "ultrafast", "-x265-params", "log-level=0:keyint=10:pools=none:frame-threads=1")),
    "h264": ("libx264", ("-preset", "ultrafast", "-g", "10", "-bf", "2")),
    "mpeg2": ("mpeg2video", ("-g", "10", "-bf", "2")),
}


def stream(codec: str, size: tuple[int, int] = (208, 112)) -> Path:
    encoder, options = CODECS[codec]
    options = ("-pix_fmt", "yuv420p", *options)
    return footage.video(seconds=1, size=size, codec=encoder, options=options, audio=False, container="ts")


def digests(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        return {picture_digest(frame) for frame in container.decode(video=0)}


def given(path: Path) -> tuple[set[str], int]:
    """Digests of the frames that are given, and the number of those that are refused."""
    timeline = read_timeline(path)
    found, refused = set(), 0
    for index in range(len(timeline)):
        try:
            found |= {picture_digest(picture.frame) for picture in decode(path, timeline, [index])}
        except ItemError:
            refused += 1
    return found, refused


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_a_lost_packet_costs_pictures_and_changes_none(codec: str, share: float, tmp_path: Path) -> None:
    whole = stream(codec)
    data, path = whole.read_bytes(), tmp_path / "lossy.ts"
    at = int(len(data) * share) // TS * TS
    path.write_bytes(data[:at] + data[at + TS :])
    pictures, _ = given(path)
    assert pictures
    assert pictures <= digests(whole)


def shown(path: Path) -> dict[int, str]:
    """Digests of the frames that are given, by their times."""
    timeline = read_timeline(path)
    found = {}
    for index in range(len(timeline)):
        with suppress(ItemError):
            (picture,) = decode(path, timeline, [index])
            found[timeline.pts[index]] = picture_digest(picture.frame)
    return found


def untimed(codec: str, folder: Path) -> Path:
    """A stream of which only every fifth picture has a time of presentation, so that its frames are counted."""
    path = folder / "untimed.ts"
    with av.open(str(stream(codec))) as source, av.open(str(path), "w", format="mpegts") as target:
        video = source.streams.video[0]
        track = target.add_stream_from_template(video)
        groups: list[list[av.Packet[Any]]] = []
        for packet in source.demux(video):
            if packet.size and (not groups or packet.is_keyframe or len(groups[-1]) == 5):
                groups.append([])
            if packet.size:
                groups[-1].append(packet)
        for group in groups:
            joint: av.Packet[Any] = av.Packet(b"".join(map(bytes, group)))
            joint.stream, joint.time_base = track, group[0].time_base
            joint.pts, joint.dts = group[0].pts, group[0].dts
            target.mux(joint)
    return path


def joined(codec: str, folder: Path) -> Path:
    """Two recordings, one behind the other: frames are counted."""
    path = folder / "joined.ts"
    path.write_bytes(stream(codec).read_bytes() * 2)
    return path


COUNTED = {"untimed h264": partial(untimed, "h264"), "joined mpeg2": partial(joined, "mpeg2")}


@pytest.mark.parametrize("name", [*CODECS, *COUNTED])
@pytest.mark.parametrize("count", [1, 4])
def test_frames_are_given_again_from_a_key_frame_after_lost_packets(name: str, count: int, tmp_path: Path) -> None:
    """At places in the whole first half: what is given is what the whole stream shows at that time."""
    whole = stream(name) if name in CODECS else COUNTED[name](tmp_path)
    assert bool(read_timeline(whole).measured) is (name in COUNTED)
    data, path = whole.read_bytes(), tmp_path / "lossy.ts"
    # Where recordings are joined, the times of the second one are others.
    truth, keys = shown(whole), [key for key in key_frame_places(whole) if key[0] < len(data) // 2 or name in CODECS]
    for lost in range(4, len(data) // TS // 2, 13 if count == 1 else 41):
        path.write_bytes(data[: lost * TS] + data[(lost + count) * TS :])
        given = shown(path)
        assert given.items() <= truth.items(), lost
        # A parser has the next picture in hand when it notices a loss: that one may be the first key frame.
        known = [tick for place, tick in keys if place >= (lost + count) * TS][1:]
        assert not known or given.keys() >= {tick for tick in truth if tick >= known[0]}, lost


def key_frame_places(path: Path) -> list[tuple[int, int]]:
    """(offset, tick) of the key frames of a stream, as a demuxer tells them."""
    with av.open(str(path)) as container:
        return [
            (packet.pos, packet.pts)
            for packet in container.demux(video=0)
            if packet.is_keyframe and packet.pos is not None and packet.pts is not None
        ]


def test_frames_are_not_given_again_where_decoder_settings_change(tmp_path: Path) -> None:
    """They come with packets that would be left out."""
    data, path = untimed("h264", tmp_path).read_bytes(), tmp_path / "lossy.ts"
    path.write_bytes(data[: 17 * TS] + data[18 * TS :])
    timeline = read_timeline(path)
    assert timeline.resumptions
    with opened(path) as container:
        rows = see(path, container, video_stream(path, container)).rows
    again = partial(measure, path, timeline.container, timeline.stream, rows, timeline.damaged)
    assert again().resumptions == timeline.resumptions
    assert not again(steady=False).resumptions


def test_a_frame_whose_number_nobody_tells_after_damage_says_so(tmp_path: Path) -> None:
    """A bare stream has no times: damage may have cost any number of frames."""
    options = ("-pix_fmt", "yuv420p", "-preset", "ultrafast", "-g", "10", "-bf", "2")
    whole = footage.video(seconds=1, size=(208, 112), codec="libx264", options=options, audio=False, container="h264")
    data, path = whole.read_bytes(), tmp_path / "lossy.h264"
    begins = [found.start() for found in re.finditer(rb"\x00\x00\x01[\x41\x01]", data)]
    path.write_bytes(data[: begins[2]] + b"\0\0\1\x41" + data[begins[3] :])
    timeline = read_timeline(path)
    assert timeline.damaged
    with pytest.raises(ItemError, match="nothing after it tells which frame comes next"):
        list(decode(path, timeline, [len(timeline) - 1]))


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("place", [1, -1], ids=["second", "last"])
def test_a_lost_packet_of_the_first_picture_is_told(codec: str, place: int, tmp_path: Path) -> None:
    whole = stream(codec)
    data, path = whole.read_bytes(), tmp_path / "lossy.ts"
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [number for number, at in enumerate(video) if data[at + 1] & 0x40]
    lost = video[begins[0] : begins[1]][place]
    path.write_bytes(data[:lost] + data[lost + TS :])
    timeline = read_timeline(path)
    assert timeline.damaged == {0}
    pictures, _ = given(path)
    assert pictures <= digests(whole)


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_recording_that_ends_within_a_packet_gives_no_half_picture(codec: str, share: float, tmp_path: Path) -> None:
    whole = stream(codec)
    data, path = whole.read_bytes(), tmp_path / "ended.ts"
    path.write_bytes(data[: int(len(data) * share) // TS * TS + 100])
    pictures, refused = given(path)
    assert is_cut_short(path)
    assert pictures
    assert pictures <= digests(whole)
    assert refused == 1


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("more", [b"", b"\r\n", b"\0" * 500])
def test_a_whole_recording_loses_nothing_whatever_follows_it(codec: str, more: bytes, tmp_path: Path) -> None:
    whole = stream(codec)
    path = tmp_path / "whole.ts"
    path.write_bytes(whole.read_bytes() + more)
    assert not is_cut_short(path)
    assert given(path) == (digests(whole), 0)


@pytest.mark.parametrize("codec", list(CODECS))
def test_recordings_that_are_joined_lose_nothing(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(stream(codec).read_bytes() * 2)
    assert given(path) == (digests(stream(codec)), 0)


def noisy() -> Path:
    """A stream of HEVC whose pictures have many packets, with a key frame at every tenth picture."""
    options = ("keyint=10", "min-keyint=10", "scenecut=0", "bframes=0", "qp=36", "pools=none", "frame-threads=1")
    return footage.video(
        seconds=1,
        size=(208, 112),
        codec="libx265",
        options=("-pix_fmt", "yuv420p", "-vf", "noise=alls=20:allf=t", "-preset", "ultrafast", "-x265-params",
                 ":".join(("log-level=0", *options))),
        audio=False,
        container="ts",
    )  # fmt: skip


@pytest.mark.parametrize("place", ["second", "middle", "last"])
@pytest.mark.parametrize("picture", [8, 9, 10])
def test_a_packet_that_is_lost_beside_a_key_frame_is_no_join(picture: int, place: str, tmp_path: Path) -> None:
    """The counter is not continued where recordings are joined either: there, the picture before is complete."""
    whole = noisy()
    data, path = whole.read_bytes(), tmp_path / "lossy.ts"
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [number for number, at in enumerate(video) if data[at + 1] & 0x40]
    packets = video[begins[picture] : begins[picture + 1]]
    assert len(packets) > 3
    lost = packets[{"second": 1, "middle": len(packets) // 2, "last": -1}[place]]
    path.write_bytes(data[:lost] + data[lost + TS :])
    assert read_timeline(path).damaged == {picture}
    pictures, _ = given(path)
    assert pictures <= digests(whole)


@pytest.mark.parametrize("codec", list(CODECS))
def test_a_lost_beginning_of_a_key_frame_gives_no_wrong_picture(codec: str, tmp_path: Path) -> None:
    """No plan can be made of what is left, so frames are counted; what was lost is damage there, too."""
    whole = stream(codec)
    data, path = whole.read_bytes(), tmp_path / "lossy.ts"
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [at for at in video if data[at + 1] & 0x40]
    for lost in (begins[10], begins[1], begins[1] + TS):
        path.write_bytes(data[:lost] + data[lost + TS :])
        pictures, _ = given(path)
        assert pictures <= digests(whole)


def test_a_clip_with_frames_of_a_lost_packet_is_neither_copied_nor_encoded(tmp_path: Path) -> None:
    data, path, clip = stream("hevc").read_bytes(), tmp_path / "lossy.ts", tmp_path / "clip.mp4"
    at = len(data) // 2 // TS * TS
    path.write_bytes(data[:at] + data[at + TS :])
    timeline = read_timeline(path)
    (lost,) = timeline.damaged
    for frames, fails in ((range(lost - 2, lost + 2), True), (range(lost - 3, lost - 1), False)):
        cut = cut_frames(timeline, frames)
        with remuxer(path, timeline, audio=False) as video:
            piece = video.slice_of(cut)
            assert piece is not None
            for make in (partial(video.copy, cut, piece, clip), partial(encode, video, cut, clip, ENCODING)):
                if fails:
                    with pytest.raises(ItemError) as caught:
                        make()
                    assert caught.value.reason == "corrupt"
                else:
                    make()


FORMS = {192: (b"\x12\x34\x56\x78", b""), 204: (b"", bytes(range(16)))}


def in_form(data: bytes, size: int) -> bytes:
    """The packets of a stream with what other forms put before and behind each."""
    before, behind = FORMS[size]
    return b"".join(before + data[at : at + TS] + behind for at in range(0, len(data), TS))


@pytest.mark.parametrize("size", list(FORMS))
def test_a_stream_of_discs_or_broadcasters_is_read_as_one_of_188_bytes(size: int, tmp_path: Path) -> None:
    """Lost packets in the first picture, in later ones, and where recordings may be joined; and a cut-off end."""
    data, plain, other = noisy().read_bytes(), tmp_path / "plain.ts", tmp_path / "other.m2ts"
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [number for number, at in enumerate(video) if data[at + 1] & 0x40]
    places = [video[begins[picture] + offset] for picture in (0, 1, 9, 10, 11) for offset in (-1, 1, 2)]
    changed = [data[:at] + data[at + TS :] for at in places if at > 0] + [data, data * 2]
    for stream in changed:
        plain.write_bytes(stream)
        other.write_bytes(in_form(stream, size))
        before, after = read_timeline(plain), read_timeline(other)
        assert (after.pts, after.keys, after.damaged) == (before.pts, before.keys, before.damaged)
        assert after.measured == before.measured
        assert not is_cut_short(other)
    shown_before = shown(plain)
    assert shown(other) == shown_before
    whole = in_form(data, size)
    for rest in (40, 100, 187):
        other.write_bytes(whole[: len(whole) // size // 2 * size + rest])
        assert is_cut_short(other)


def without_times(data: bytes) -> bytes:
    """A transport stream of one video whose pictures have no times."""
    made = bytearray(data)
    for at in range(0, len(made), TS):
        if made[at + 1] & 0x5F == 0x41 and made[at + 2] == 0:  # a PES packet begins
            header = at + 4 + (made[at + 4] + 1 if made[at + 3] & 0x20 else 0)
            made[header + 7] &= 0x3F
            length = made[header + 8]
            made[header + 9 : header + 9 + length] = b"\xff" * length
    return bytes(made)


def test_frames_without_times_after_a_lost_packet_and_no_further_key_frame_are_refused(tmp_path: Path) -> None:
    options = ("-pix_fmt", "yuv420p", "-g", "250", "-bf", "0")
    whole = footage.video(seconds=1, size=(208, 112), codec="mpeg2video", options=options, audio=False, container="ts")
    data, path = without_times(whole.read_bytes()), tmp_path / "lossy.ts"
    path.write_bytes(data[: 4 * TS] + data[5 * TS :])
    timeline = read_timeline(path)
    assert timeline.measured
    assert timeline.damaged == {0}
    with pytest.raises(ItemError, match="packet 0"):
        list(decode(path, timeline, [5]))


def test_joined_recordings_that_begin_within_a_packet_have_lost_nothing(tmp_path: Path) -> None:
    data, path = stream("h264").read_bytes(), tmp_path / "joined.ts"
    path.write_bytes(data[TS * 4 - 100 : TS * 4] + data * 2)
    timeline = read_timeline(path)
    assert timeline.joined
    assert not timeline.damaged


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(208, 112), (208, 120)])
def test_a_picture_of_mpeg2_without_one_of_its_rows_is_damaged(interlaced: bool, size: tuple[int, int]) -> None:
    flags = ("-flags", "+ildct+ilme") if interlaced else ()
    options = ("-pix_fmt", "yuv420p", "-g", "10", *flags)
    path = footage.video(seconds=1, size=size, codec="mpeg2video", options=options, audio=False, container="ts")
    whole, lossy = Mpeg12Reader(b""), Mpeg12Reader(b"")
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for packet in packets:
        assert whole.read(memoryview(packet)).shown
    lossy.read(memoryview(packets[0]))
    row = packets[1].index(b"\0\0\1\3")
    with pytest.raises(DamagedPacket, match="rows"):
        lossy.read(memoryview(packets[1][:row] + packets[1][packets[1].index(b"\0\0\1\4") :]))


@hypothesis.given(st.data())
def test_the_first_frame_that_depends_on_one_of_many_damaged_packets_is_told(data: st.DataObject) -> None:
    whole = read_timeline(
        footage.video(seconds=2, fps=25, size=(64, 48), audio=False, options=("-g", "10", "-bf", "2"))
    )
    damaged = frozenset(data.draw(st.sets(st.integers(0, len(whole) - 1), max_size=8)))
    first, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    starts, numbers = [start or 0 for start in whole.packets.starts], whole.numbers
    spoiled = (
        index
        for index in range(first, end)
        if any(starts[numbers[index]] <= starts[lost] and lost <= numbers[index] for lost in damaged)
    )
    assert replace(whole, damaged=damaged).spoiled(range(first, end)) == next(spoiled, None)


@hypothesis.given(st.data())
def test_any_bytes_have_lost_packets_or_not(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Headers of packets that say anything, and bytes that are none."""
    heads = data.draw(st.lists(st.binary(min_size=5, max_size=5), max_size=6))
    packets = b"".join(b"\x47" + head[:1] + b"\0" + head[1:] + bytes(TS - 7) for head in heads)
    size = data.draw(st.sampled_from([TS, *FORMS]))
    path = tmp_path_factory.getbasetemp() / "any.ts"
    path.write_bytes((packets if size == TS else in_form(packets, size)) + data.draw(st.binary(max_size=300)))
    place = data.draw(st.none() | st.integers(0, 2000))
    assert lost_at_first(path, 256) in {True, False}
    assert lost_within(path, 256, place) in {True, False}
    assert is_cut_short(path) in {True, False}


def sparse(data: bytes, every: int) -> bytes:
    """A transport stream of which only every so many-th picture tells its time."""
    made = bytearray(data)
    begins = [at for at in range(0, len(made), TS) if made[at + 1] & 0x5F == 0x41 and made[at + 2] == 0]
    for at in (at for number, at in enumerate(begins) if number % every):
        made[at : at + TS] = without_times(bytes(made[at : at + TS]))
    return bytes(made)


@pytest.mark.parametrize("between", [0, 2])
@pytest.mark.parametrize("every", [5, 7, 8, 100])
def test_a_frame_after_a_lost_picture_is_at_its_time_or_refused(every: int, between: int, tmp_path: Path) -> None:
    """Libraries count on from the last time that was told, and a lost picture is not counted."""
    options = ("-pix_fmt", "yuv420p", "-g", "8", "-bf", str(between))
    whole = footage.video(
        seconds=2, fps=20, size=(208, 112), codec="mpeg2video", options=options, audio=False, container="ts"
    )
    data, path = sparse(whole.read_bytes(), every), tmp_path / "lossy.ts"
    path.write_bytes(data)
    right = shown(path)
    assert right == shown(whole)
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [at for at in video if data[at + 1] & 0x40]
    for picture in (3, 7, 8, 12, 16):
        lost = range(begins[picture], begins[picture + 1])
        path.write_bytes(
            b"".join(data[at : at + TS] for at in range(0, len(data), TS) if at not in lost or at not in video)
        )
        found = shown(path)
        assert found
        assert found.items() <= right.items()
