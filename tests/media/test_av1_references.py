"""AV1 packets that no other picture refers to: leaving them out changes no other picture."""

import random
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

import footage
from reelmill_stages.media.bitstream.av1 import Av1References

SVT = ("-pix_fmt", "yuv420p", "-preset", "12", "-g", "25", "-svtav1-params")
OPTIONS = {
    "random access": (*SVT, "lp=1"),
    "low delay": (*SVT, "lp=1:pred-struct=1"),
    "screen content": (*SVT, "lp=1:scm=1"),
    "open groups": (*SVT, "lp=1:irefresh-type=1"),
}


def encoded(case: str, container: str = "mp4") -> Path:
    """Two seconds with 50 frames."""
    return footage.video(codec="libsvtav1", options=OPTIONS[case], seconds=2.0, size=(208, 112), container=container)


def unreferenced(path: Path) -> list[bool]:
    """Whether each packet is reported as unreferenced, in decode order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        references = Av1References(stream.codec_context.extradata or b"")
        return [references.is_unreferenced(memoryview(packet)) for packet in container.demux(stream) if packet.size]


def pictures(path: Path, left_out: frozenset[int] = frozenset()) -> dict[int | None, bytes]:
    """The planes of all frames by pts, without the packets of these numbers."""
    found: dict[int | None, bytes] = {}
    with av.open(str(path)) as container:
        for number, packet in enumerate(container.demux(video=0)):
            if number not in left_out:
                found |= {frame.pts: frame.to_ndarray().tobytes() for frame in packet.decode()}
    return found


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("case", OPTIONS)
def test_leaving_out_unreferenced_packets_changes_no_other_picture(case: str, container: str) -> None:
    path = encoded(case, container)
    numbers = [number for number, is_unreferenced in enumerate(unreferenced(path)) if is_unreferenced]
    chance = random.Random(3)
    expected = pictures(path)
    for some in (numbers, chance.sample(numbers, len(numbers) // 2)):
        got = pictures(path, frozenset(some))
        assert len(got) == len(expected) - len(some)
        assert got.items() <= expected.items()


def test_a_pyramid_has_packets_to_leave_out() -> None:
    reported = unreferenced(encoded("random access"))
    assert 8 <= sum(reported) <= len(reported) // 2


@given(st.binary(max_size=64), st.lists(st.binary(max_size=64), max_size=4))
def test_any_bytes_are_accepted(extradata: bytes, packets: list[bytes]) -> None:
    references = Av1References(b"\x81\0\0\0" + extradata)
    for data in packets:
        references.is_unreferenced(memoryview(data))


@given(st.data())
def test_changed_bytes_of_a_stream_are_accepted(data: st.DataObject) -> None:
    path = encoded("random access")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        head = bytearray(stream.codec_context.extradata or b"")
        packets = [bytearray(bytes(packet)[:40]) for packet in container.demux(stream) if packet.size][:6]
    for changed in (head, *packets):
        if changed and data.draw(st.booleans()):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    references = Av1References(bytes(head))
    for packet in packets:
        assert references.is_unreferenced(memoryview(bytes(packet))) in {True, False}
