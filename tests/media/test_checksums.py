"""What containers and codecs number or sum up is compared: no picture of a damaged part is given as a right one."""

import struct
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import hypothesis
import pytest
from hypothesis import strategies as st

import footage
from exact import picture_digest
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.measuring.sound.samples import track
from reelmill_stages.media.bitstream.ffv1 import Ffv1Reader
from reelmill_stages.media.bitstream.units import DamagedPacket
from reelmill_stages.media.container.losses.ogg_pages import lost_pages
from reelmill_stages.media.crc import crc_from_highest
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.store  # needs no server, but starts many processes of ffmpeg

ENCODING = Encoding(preset="ultrafast", crf=20)


def digests(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [picture_digest(frame) for frame in container.decode(video=0)]


def given(path: Path) -> dict[int, str]:
    """Digests of the frames that are given, by tenths of a second."""
    timeline, found = read_timeline(path), {}
    for index in range(len(timeline)):
        with suppress(ItemError):
            (picture,) = decode(path, timeline, [index])
            found[round(timeline.seconds(index) * 10)] = picture_digest(picture.frame)
    return found


def ffv1(folder: Path, name: str, *extra: str) -> Path:
    return lying.film(folder, name, frames=20, extra=("-c:v", "ffv1", "-level", "3", "-g", "5", *extra))


@pytest.mark.parametrize("name", ["film.mkv", "film.avi"])
@pytest.mark.parametrize("slices", ["4", "9"])
def test_a_flipped_bit_in_a_slice_of_ffv1_costs_pictures_and_changes_none(
    name: str, slices: str, tmp_path: Path
) -> None:
    source, flipped = ffv1(tmp_path, name, "-slicecrc", "1", "-slices", slices), tmp_path / f"flipped_{name}"
    right = digests(source)
    assert read_timeline(source).measured == ""
    assert given(source) == dict(enumerate(right))
    with av.open(str(source)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    data = source.read_bytes()
    for number, share in ((0, 0.4), (7, 0.1), (7, 0.9), (12, 0.5), (19, 0.999)):
        start = data.index(data[places[number][0] + 8 :][:40], places[number][0])  # behind the head of the block
        bad = bytearray(data)
        bad[start + int((places[number][1] - 8) * share)] ^= 4
        flipped.write_bytes(bad)
        found = given(flipped)
        assert set(range(20)) - set(found) == set(range(number, number // 5 * 5 + 5))
        assert all(right[index] == digest for index, digest in found.items())


@pytest.mark.parametrize("extra", [("-slicecrc", "0"), ("-level", "1"), ("-context", "1", "-coder", "1")])
def test_ffv1_without_checksums_or_slices_is_whole(extra: tuple[str, ...], tmp_path: Path) -> None:
    source = ffv1(tmp_path, "film.mkv", *extra)
    timeline = read_timeline(source)
    assert not timeline.damaged
    assert [index for index, key in enumerate(timeline.keys) if key] == [0, 5, 10, 15]
    assert given(source) == dict(enumerate(digests(source)))


@hypothesis.given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_a_crc_can_be_continued_and_changes_with_every_bit(first: bytes, second: bytes, register: int) -> None:
    whole = crc_from_highest(first + second, register)
    assert crc_from_highest(second, crc_from_highest(first, register)) == whole
    slow = register
    for byte in first + second:
        slow ^= byte << 24
        for _ in range(8):
            slow = (slow << 1 ^ (0x04C11DB7 if slow & 0x80000000 else 0)) & 0xFFFFFFFF
    assert whole == slow


def pages(data: bytes) -> list[tuple[int, int, int]]:
    """(offset, bytes, stream) of the pages of an Ogg file."""
    found, at = [], 0
    while at < len(data):
        segments = 27 + data[at + 26]
        size = segments + sum(data[at + 27 : at + segments])
        found.append((at, size, struct.unpack_from("<I", data, at + 14)[0]))
        at += size
    return found


def without(data: bytes, page: tuple[int, int, int], way: str) -> bytes:
    at, size, _ = page
    if way == "dropped":
        return data[:at] + data[at + size :]
    flipped = bytearray(data)
    flipped[at + size // 2] ^= 16
    return bytes(flipped)


OGG = {
    "theora": ("-c:v", "libtheora", "-g", "8", "-q:v", "5"),
    "vp8": ("-c:v", "libvpx", "-g", "8", "-b:v", "300k", "-deadline", "realtime"),
}


@pytest.mark.parametrize("codec", list(OGG))
@pytest.mark.parametrize("way", ["dropped", "flipped"])
def test_a_lost_page_of_ogg_costs_the_pictures_up_to_the_next_key_frame(codec: str, way: str, tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=d=3", "-c:a", "libvorbis", "-page_duration", "150000")
    source, lossy = lying.film(tmp_path, "film.ogv", frames=30, extra=(*sound, *OGG[codec])), tmp_path / "lossy.ogv"
    data, right = source.read_bytes(), digests(source)
    assert given(source) == dict(enumerate(right))
    video = [page for page in pages(data) if page[2] == pages(data)[0][2]]
    for number in (3, 4, 6, 9):
        lossy.write_bytes(without(data, video[number], way))
        assert len(lost_pages(lossy, 0)) == 1
        found = given(lossy)
        assert all(right[tenth] == digest for tenth, digest in found.items())
        gone = sorted(set(range(30)) - set(found))
        assert gone
        assert [after - before for before, after in pairwise(gone)] == [1] * (len(gone) - 1)
        assert gone[-1] % 8 == 7 or gone[0] % 8 == 0  # up to a key frame


def cut_off(data: bytes, page: tuple[int, int, int], kept: int) -> bytes:
    return data[: page[0] + kept]


@pytest.mark.parametrize("codec", list(OGG))
def test_a_damaged_last_page_of_ogg_costs_the_picture_before_it(codec: str, tmp_path: Path) -> None:
    """Recordings that were stopped do not say that they end."""
    sound = ("-f", "lavfi", "-i", "sine=d=3", "-c:a", "libvorbis", "-page_duration", "150000")
    source, lossy = lying.film(tmp_path, "film.ogv", frames=30, extra=(*sound, *OGG[codec])), tmp_path / "lossy.ogv"
    data, right = source.read_bytes(), digests(source)
    stream = pages(data)[0][2]
    *_, video = (page for page in pages(data) if page[2] == stream)
    *_, voice = (page for page in pages(data) if page[2] != stream)
    lossy.write_bytes(without(data, video, "dropped"))
    assert not lost_pages(lossy, 0)
    there = len(given(lossy))
    assert there < 30
    damaged = [without(data, video, "flipped"), *(cut_off(data, video, kept) for kept in (video[1] - 1, 40, 20, 4))]
    for bad in damaged:
        lossy.write_bytes(bad)
        (lost,) = lost_pages(lossy, 0)
        assert lost.last
        assert read_timeline(lossy).damaged
        found = given(lossy)
        assert found == dict(enumerate(right[: there - 1]))
    lossy.write_bytes(without(data, voice, "flipped"))
    assert not lost_pages(lossy, 0)
    assert given(lossy) == dict(enumerate(right))


@pytest.mark.parametrize("ends", [True, False])
def test_a_damaged_page_after_the_end_of_a_stream_is_no_loss(ends: bool, tmp_path: Path) -> None:
    path = lying.film(tmp_path, "film.ogv", frames=30, extra=OGG["theora"])
    data = bytearray(path.read_bytes())
    at, size, stream = pages(data)[-1]
    if not ends:
        data[at + 5] &= ~4
        data[at + 22 : at + 26] = bytes(4)
        data[at + 22 : at + 26] = crc_from_highest(bytes(data[at : at + size])).to_bytes(4, "little")
    path.write_bytes(data)
    assert not lost_pages(path, 0)
    path.write_bytes(data + b"OggS" + bytes(10) + struct.pack("<I", stream))
    assert [lost.last for lost in lost_pages(path, 0)] == ([] if ends else [True])


def test_a_recording_before_another_one_has_lost_its_last_page(tmp_path: Path) -> None:
    one, both = lying.film(tmp_path, "film.ogv", frames=30, extra=OGG["theora"]), tmp_path / "both.ogv"
    data = one.read_bytes()
    both.write_bytes(without(data, pages(data)[-1], "flipped") + data)
    (lost,) = lost_pages(both, 0)
    assert lost.last


def test_a_packet_that_ends_in_a_lost_page_is_not_given_with_the_next_one(tmp_path: Path) -> None:
    """Demuxers put what follows behind its beginning, even a page that goes on with no packet."""
    source, lossy = tmp_path / "film.ogv", tmp_path / "lossy.ogv"
    noise = "nullsrc=s=320x240:r=10:d=1.2,geq=random(1)*255:128:128"  # a picture takes more than a page
    quality = ("-b:v", "60M", "-qmin", "0", "-qmax", "4", "-deadline", "realtime", "-cpu-used", "8")
    footage.ffmpeg(
        "-f", "lavfi", "-i", noise, "-c:v", "libvpx", "-g", "6", *quality, "-page_duration", "1", str(source)
    )
    data, right = source.read_bytes(), digests(source)
    goes_on = [bool(data[at + 5] & 1) for at, _, _ in pages(data)]
    ends = [number for number, (this, following) in enumerate(pairwise(goes_on)) if this and not following]
    for picture in (2, 5, 6):
        lossy.write_bytes(without(data, pages(data)[ends[picture]], "dropped"))
        assert [lost.within for lost in lost_pages(lossy, 0)] == [True]
        found = given(lossy)
        assert not {picture, picture + 1} & set(found)
        assert all(right[tenth] == digest for tenth, digest in found.items())


@pytest.mark.parametrize("codec", ["libvorbis", "libopus"])
def test_a_lost_page_of_sound_is_counted(codec: str, tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=d=3:r=48000", "-c:a", codec, "-page_duration", "150000")
    source, lossy = lying.film(tmp_path, "film.ogv", frames=30, extra=(*sound, *OGG["vp8"])), tmp_path / "lossy.ogv"
    data = source.read_bytes()
    voice = [page for page in pages(data) if page[2] == pages(data)[1][2]]
    for path, number, way, gone in (
        (source, 1, "", 0),
        (lossy, len(voice) // 2, "dropped", 1),
        (lossy, -1, "flipped", 1),
    ):
        lossy.write_bytes(without(data, voice[number], way))
        spoken = speech_sound(path, Fraction(0), Fraction(3))
        assert spoken is not None
        assert spoken.damaged == gone
        with track(path) as heard:
            assert heard is not None
            assert sum(len(block.samples) for block in heard.heard())
            assert heard.damaged == gone


def test_files_of_ogg_that_are_joined_have_lost_nothing(tmp_path: Path) -> None:
    one, both = lying.film(tmp_path, "film.ogv", frames=30, extra=OGG["theora"]), tmp_path / "both.ogv"
    both.write_bytes(one.read_bytes() * 2)
    assert not lost_pages(both, 0)


@hypothesis.given(st.data())
def test_any_bytes_are_searched_for_lost_pages_without_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ogg"
    parts = data.draw(st.lists(st.binary(max_size=60) | st.just(b"OggS") | st.just(b"OggS" + bytes(22)), max_size=8))
    path.write_bytes(b"".join(parts))
    assert lost_pages(path, 0) == []


def test_reading_a_file_of_damaged_pages_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "marks.ogg"
    path.write_bytes(b"OggS" * 100_000)
    with pytest.raises(ItemError, match=r"marks\.ogg: more than 10000 of its pages are damaged"):
        lost_pages(path, 0)


@hypothesis.given(st.binary(max_size=20), st.lists(st.binary(min_size=1, max_size=60), max_size=5))
def test_any_bytes_of_ffv1_are_a_picture_or_damaged(extradata: bytes, packets: list[bytes]) -> None:
    reader = Ffv1Reader(extradata)
    for packet in packets:
        with suppress(DamagedPacket):
            assert reader.read(memoryview(packet)).shown


def _packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]


@pytest.mark.parametrize(
    ("codec", "name"), [("flac", "film.mkv"), ("flac", "film.mp4"), ("ac3", "film.mkv"), ("eac3", "film.mkv")]
)
def test_a_flipped_bit_in_sound_with_checksums_is_counted_and_encoded_into_no_clip(
    codec: str, name: str, tmp_path: Path
) -> None:
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=2:r=48000:a=0.3", "-c:a", codec)
    source, flipped = lying.film(tmp_path, name, frames=20, extra=(*noise, *lying.X264)), tmp_path / f"flipped_{name}"
    packet, data = _packets(source, "audio")[10], bytearray(source.read_bytes())
    data[data.index(packet) + len(packet) * 2 // 3] ^= 8
    flipped.write_bytes(data)
    for path, damaged in ((source, 0), (flipped, 1)):
        heard = speech_sound(path, Fraction(0), Fraction(2))
        assert heard is not None
        assert heard.damaged == damaged
        timeline = read_timeline(path)
        with remuxer(path, timeline, audio=True) as video:
            make = partial(encode, video, cut_frames(timeline, range(20)), tmp_path / "clip.mp4", ENCODING)
            if damaged:
                with pytest.raises(ItemError):
                    make()
            else:
                make()


def test_a_flipped_bit_in_a_png_costs_one_picture(tmp_path: Path) -> None:
    """Of its last chunk, too: without it, a decoder gives a picture that lacks some lines."""
    source, flipped = tmp_path / "film.mkv", tmp_path / "flipped.mkv"
    footage.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=1,noise=alls=20", "-c:v", "png", str(source))
    right = digests(source)
    packet, data = _packets(source, "video")[4], source.read_bytes()
    assert packet.count(b"IDAT") > 2
    last = packet.rindex(b"IDAT")
    for place in (len(packet) // 3, len(packet) * 2 // 3, last, last + 9, len(packet) - 14):
        bad = bytearray(data)
        bad[data.index(packet) + place] ^= 2
        flipped.write_bytes(bad)
        assert given(flipped) == {index: digest for index, digest in enumerate(right) if index != 4}
