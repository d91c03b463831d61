"""Pictures that stand for themselves but for tables and palettes, which earlier packets brought."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

import footage
from exact import picture_digest, shown
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline

SIZE = (64, 48)


def without_tables(data: bytes) -> bytes:
    """A JPEG without the tables before its scan."""
    place, kept = 2, data[:2]
    while data[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        kept += b"" if data[place + 1] in (0xDB, 0xC4) else data[place:end]
        place = end
    return kept + data[place:]


def padded(data: bytes) -> bytes:
    """A JPEG with bytes before it and between its segments, which decoders skip."""
    place, made = 2, b"\0\0" + data[:2]
    while data[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        made += data[place:end] + b"\0\xff\0"
        place = end
    return made + data[place:]


def abbreviated(
    path: Path, target: Path, whole: tuple[int, ...], otherwise: Callable[[bytes], bytes] = without_tables
) -> Path:
    """The video, of which only some pictures are as they were."""
    with av.open(str(path)) as before, av.open(str(target), "w") as after:
        track = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for number, packet in enumerate(q for q in before.demux(video=0) if q.size):
            made = av.Packet(bytes(packet) if number in whole else otherwise(bytes(packet)))
            made.pts, made.dts, made.time_base, made.duration = (
                packet.pts,
                packet.dts,
                packet.time_base,
                packet.duration,
            )
            made.is_keyframe, made.stream = True, track
            after.mux(made)
    return target


def assert_exact(path: Path) -> None:
    expected = [digest for _, digest in shown(path)]
    timeline = read_timeline(path)
    assert len(timeline) == len(expected)
    for index, digest in enumerate(expected):
        (picture,) = decode(path, timeline, [index])
        assert picture_digest(picture.frame) == digest


@pytest.mark.parametrize("container", ["avi", "mkv", "mov"])
@pytest.mark.parametrize("whole", [(0,), (0, 7)])
def test_pictures_of_mjpeg_without_tables_are_decoded_with_those_of_earlier_ones(
    container: str, whole: tuple[int, ...], tmp_path: Path
) -> None:
    options = ("-pix_fmt", "yuvj420p", "-q:v", "3", "-huffman", "default")
    path = footage.video(seconds=0.6, size=SIZE, codec="mjpeg", options=options, audio=False, container=container)
    assert_exact(abbreviated(path, tmp_path / f"short.{container}", whole))
    assert all(read_timeline(path).keys)


@pytest.mark.parametrize("whole", [(), (3, 4)])
def test_every_picture_with_tables_is_one_to_begin_at_whatever_lies_between_its_segments(
    whole: tuple[int, ...], tmp_path: Path
) -> None:
    options = ("-pix_fmt", "yuvj420p", "-q:v", "3", "-huffman", "default")
    path = footage.video(seconds=0.6, size=SIZE, codec="mjpeg", options=options, audio=False, container="avi")
    odd = abbreviated(path, tmp_path / "padded.avi", whole, padded)
    assert_exact(odd)
    assert all(read_timeline(odd).keys)


def shown_or_reason(path: Path, timeline: Timeline, index: int, true: dict[Fraction, str]) -> str:
    """Why a frame is refused; empty if it is decoded, and then it is the true picture of its time."""
    try:
        (picture,) = decode(path, timeline, [index])
    except ItemError as error:
        return error.reason
    assert picture_digest(picture.frame) == true[picture.pts * timeline.time_base]
    return ""


@pytest.mark.parametrize("lost", [4, 13])
def test_pictures_of_mjpeg_whose_fragment_lost_its_data_are_never_shown_as_other_pictures(
    lost: int, tmp_path: Path
) -> None:
    """The data of later fragments then lies elsewhere than their headers say."""
    options = ("-pix_fmt", "yuvj420p", "-q:v", "3", "-movflags", "frag_every_frame+empty_moov")
    path = footage.video(seconds=0.6, size=SIZE, codec="mjpeg", options=options, audio=False, container="mp4")
    true = dict(shown(path))
    data = path.read_bytes()
    places, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        places += [(at, at + size)] if data[at + 4 : at + 8] == b"mdat" else []
        at += size
    begin, end = places[lost]
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data[:begin] + data[end:])
    timeline = read_timeline(damaged)
    reasons = [shown_or_reason(damaged, timeline, index, true) for index in range(len(timeline))]
    assert reasons[:lost] == [""] * lost
    assert reasons[lost] == ItemReason.CORRUPT


def test_raw_pictures_have_the_palette_of_earlier_packets(tmp_path: Path) -> None:
    source = footage.video(seconds=0.6, size=SIZE, options=("-pix_fmt", "yuv420p"), audio=False)
    path = tmp_path / "palette.avi"
    graph = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
    footage.ffmpeg("-i", str(source), "-filter_complex", graph, "-c:v", "rawvideo", "-pix_fmt", "pal8", str(path))
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]
    timeline = read_timeline(path)
    for index, pixels in enumerate(expected):
        (picture,) = decode(path, timeline, [index])
        assert picture.frame.to_ndarray(format="rgb24").tobytes() == pixels
