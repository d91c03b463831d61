"""A transport stream that lost packets or its end gives only pictures of the whole one: decoders do not tell."""

from functools import partial
from pathlib import Path

import av
import hypothesis
import pytest
from hypothesis import strategies as st

import footage
from media.lossy_streams import CODECS, FORMS, TS, digests, given, in_form, noisy, shown, stream
from reelmill.contract.errors import ItemError
from reelmill_stages.media.bitstream.mpeg12 import Mpeg12Reader
from reelmill_stages.media.bitstream.units import DamagedPacket
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.timeline.timeline import read_timeline

ENCODING = Encoding(preset="ultrafast", crf=20)


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


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("place", [1, -1], ids=["second", "last"])
def test_a_lost_packet_of_the_first_picture_is_reported(codec: str, place: int, tmp_path: Path) -> None:
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
def test_a_complete_recording_has_no_losses_whatever_follows_it(codec: str, more: bytes, tmp_path: Path) -> None:
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


@pytest.mark.store
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


@pytest.mark.store
@pytest.mark.parametrize("size", list(FORMS))
def test_a_stream_of_discs_or_broadcasters_is_read_as_one_of_188_bytes(size: int, tmp_path: Path) -> None:
    """Lost packets in the first picture, in later ones, and where recordings may be joined; and a cut-off end."""
    data, plain, other = noisy().read_bytes(), tmp_path / "plain.ts", tmp_path / "other.m2ts"
    video = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [number for number, at in enumerate(video) if data[at + 1] & 0x40]
    places = [video[begins[picture] + offset] for picture in (0, 1, 9, 10, 11) for offset in (-1, 1, 2)]
    changed = [data[:at] + data[at + TS :] for at in places if at > 0] + [data, data * 2]
    for lossy in changed:
        plain.write_bytes(lossy)
        other.write_bytes(in_form(lossy, size))
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
