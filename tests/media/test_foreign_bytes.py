"""Whatever bytes a file holds: our own walkers end, and end in a value or a named error."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import footage
from reelmill.contract.errors import ItemError
from reelmill_stages.media.bitstream import av1, h264, hevc, mpeg4, mpeg12, vpx
from reelmill_stages.media.bitstream.nal_lengths import is_whole
from reelmill_stages.media.bitstream.units import UnitReader, Unknown
from reelmill_stages.media.container.edit_list_writer import set_ends
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.timeline.timeline import read_timeline

READERS: dict[str, Callable[[bytes], UnitReader]] = {
    "h264": h264.H264Reader,
    "hevc": hevc.HevcReader,
    "mpeg12": mpeg12.Mpeg12Reader,
    "mpeg4": mpeg4.Mpeg4Reader,
    "av1": av1.Av1Reader,
    "vp8": lambda _: vpx.Vp8(),
    "vp9": lambda _: vpx.Vp9(),
}
START = st.sampled_from([b"\x00\x00\x01" + bytes([code]) for code in (0x00, 0xB3, 0xB6, 0x67, 0x68, 0x65, 0x06, 0x42)])
PIECES = st.one_of(START, st.binary(max_size=12), st.just(b"\xff" * 8), st.just(b"\x00" * 4))
BYTES = st.lists(PIECES, min_size=1, max_size=8).map(b"".join).filter(bool)
BOXES = st.sampled_from([b"moov", b"trak", b"elst", b"tkhd", b"mvhd", b"edts", b"mdat", b"ftyp"])
SIZES = st.one_of(st.integers(0, 64), st.just(1), st.just(2**32 - 1)).map(lambda size: size.to_bytes(4, "big"))
CONTAINERS = st.lists(
    st.one_of(
        st.tuples(SIZES, BOXES).map(b"".join),
        st.sampled_from([b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\xec\x80", b"\xec", b"RIFF", b"AVI "]),
        st.binary(max_size=9),
    ),
    max_size=12,
).map(b"".join)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("codec", READERS)
@QUICK
@given(st.one_of(st.just(b""), st.just(b"\x01" + b"\xff" * 30), BYTES), st.lists(BYTES, min_size=1, max_size=4))
def test_a_packet_of_any_bytes_is_read_or_not_known(codec: str, extradata: bytes, packets: list[bytes]) -> None:
    with suppress(Unknown):
        reader = READERS[codec](extradata)
        for packet in packets:
            reader.read(memoryview(packet))


@QUICK
@given(CONTAINERS)
def test_boxes_of_any_length_are_walked_to_an_end(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    assert is_cut_short(path) in {True, False}
    with suppress(ValueError):
        set_ends(path, [1])


@pytest.mark.parametrize("size", [0, 7, 2**32 - 1])
def test_an_edit_list_is_not_set_in_a_box_with_a_wrong_size(size: int, tmp_path: Path) -> None:
    data = bytearray(footage.video(seconds=1.0, audio=False).read_bytes())
    at = data.index(b"edts") - 4
    data[at : at + 4] = size.to_bytes(4, "big")
    (tmp_path / "lying.mp4").write_bytes(data)
    with pytest.raises(ValueError, match="box"):
        set_ends(tmp_path / "lying.mp4", [100])


@QUICK
@given(BYTES, st.integers(1, 4))
def test_lengths_of_units_are_added_up_to_an_end(data: bytes, size: int) -> None:
    assert is_whole(memoryview(data), size) in {True, False}


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\x00\x00",
        b"RIFF\xff\xff\xff\xffAVI ",
        b"\x1a\x45\xdf\xa3\x80" + b"\xec\x80" * 50,
        b"\x1a\x45\xdf\xa3\x80\xec\x01\xff\xff\xff\xff\xff\xff\xfe",
        b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe",
        b"\x00\x00\x00\x00ftyp",
        b"\x00\x00\x00\x01ftyp",
    ],
)
def test_a_header_that_is_short_or_lies_is_a_corrupt_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(data)
    with pytest.raises(ItemError) as caught:
        read_timeline(path)
    assert caught.value.reason in {"corrupt", "truncated"}


def test_sound_without_a_sample_rate_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """A transport stream whose sound is noise: nothing tells how fast it is to be played."""
    path = tmp_path / "noise.ts"
    data = bytearray(footage.video(seconds=1.0, container="ts").read_bytes())
    for at in range(0, len(data), 188):
        if (data[at + 1] & 31) << 8 | data[at + 2] == 0x101 and not data[at + 1] & 64:
            data[at + 188 - 100 : at + 188] = bytes(100)
        elif (data[at + 1] & 31) << 8 | data[at + 2] == 0x101:
            data[at + 188 - 120 : at + 188] = bytes(120)
    path.write_bytes(data)
    timeline = read_timeline(path)
    with (
        pytest.raises(ItemError, match=r"no sample rate; set audio: drop") as caught,
        remuxer(path, timeline, audio=True),
    ):
        pass
    assert caught.value.reason == "corrupt"
