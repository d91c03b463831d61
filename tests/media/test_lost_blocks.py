"""Matroska files with a damaged structure: demuxers leave out packets; pictures that depend on them are refused."""

import random
from pathlib import Path

import av
import pytest

import footage
from exact import picture_digest
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.media.container.losses.matroska_blocks import lost_blocks
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import read_timeline

CODECS = {
    "h264": (*lying.X264, "-g", "12", "-bf", "2"),
    "vp8": ("-c:v", "libvpx", "-g", "12", "-deadline", "realtime"),
    "ffv1": ("-c:v", "ffv1", "-level", "3", "-g", "12"),
}
BOUNDARIES = {"clusters": (), "unknown lengths": ("-live", "1"), "a cluster": ("-cluster_time_limit", "100000")}
CLUSTER = b"\x1f\x43\xb6\x75"


def film(folder: Path, codec: str, *extra: str) -> Path:
    """Forty frames with sound."""
    path = folder / "whole.mkv"
    sound = ("-f", "lavfi", "-i", "sine=d=4", "-c:a", "mp3", "-shortest")
    options = (*CODECS[codec], "-cluster_time_limit", "700", *extra)
    footage.ffmpeg(*lying.source(40), *sound[:4], *options, *sound[4:], str(path))
    return path


def pictures(path: Path) -> tuple[dict[int, str], int]:
    """The pictures that are given, by their times, and the number of refused ones."""
    timeline = read_timeline(path)
    given: dict[int, str] = {}
    for index, tick in enumerate(timeline.pts):
        try:
            (picture,) = decode(path, timeline, [index])
        except ItemError:
            continue
        given[tick] = picture_digest(picture.frame)
    return given, len(timeline) - len(given)


def packet_places(path: Path) -> list[int]:
    """Where the contents of blocks begin, with the number of their track, from the second key frame to the third."""
    with av.open(str(path)) as container:
        return [packet.pos or 0 for packet in container.demux(video=0) if packet.size][12:24]


@pytest.mark.store  # needs no server, but decodes many files
@pytest.mark.parametrize("codec", list(CODECS))
def test_no_picture_after_a_loss_is_another_than_that_of_the_whole_file(codec: str, tmp_path: Path) -> None:
    """Lengths, identifiers and numbers of tracks that are changed, zeroed or cut out, and wrong flags."""
    whole, lossy = film(tmp_path, codec), tmp_path / "lossy.mkv"
    right, _ = pictures(whole)
    data, chance = whole.read_bytes(), random.Random(codec)
    refusals = 0
    for place in packet_places(whole)[1::2]:
        head = place - chance.randrange(4)
        for changed in (
            data[:head] + bytes([data[head] ^ 1 << chance.randrange(8)]) + data[head + 1 :],
            data[:head] + bytes(4) + data[head + 4 :],
            data[:head] + data[head + chance.choice((1, 5, 300)) :],
            data[: place + 3] + b"\xff" + data[place + 4 :],  # flags
        ):
            lossy.write_bytes(changed)
            given, refused = pictures(lossy)
            assert given.items() <= right.items()
            refusals += refused
    assert refusals


@pytest.mark.parametrize("boundaries", list(BOUNDARIES))
def test_the_structure_of_a_whole_file_has_no_losses(boundaries: str, tmp_path: Path) -> None:
    whole = film(tmp_path, "vp8", *BOUNDARIES[boundaries])
    assert lost_blocks(whole) == []
    assert read_timeline(whole).damaged == frozenset()
    data = whole.read_bytes()
    for length in (len(data) // 2, len(data) - 3):  # cut off, which is no damage within
        whole.write_bytes(data[:length])
        assert lost_blocks(whole) == []


@pytest.mark.parametrize("boundaries", list(BOUNDARIES))
def test_losses_are_found_in_every_file_of_a_concatenation(boundaries: str, tmp_path: Path) -> None:
    whole = film(tmp_path, "vp8", *BOUNDARIES[boundaries])
    data = whole.read_bytes()
    whole.write_bytes(data * 3)
    assert lost_blocks(whole) == []
    place = data.index(b"\xa3", data.index(b"\xe7\x81", data.index(CLUSTER))) + len(data)
    whole.write_bytes(data + data[: place - len(data)] + b"\xff" + data[place - len(data) + 1 :] + data)
    (lost,) = lost_blocks(whole)
    assert lost.start == place
    assert place < lost.end <= 3 * len(data)


def test_an_identifier_of_a_cluster_that_is_damaged_loses_the_cluster(tmp_path: Path) -> None:
    whole = film(tmp_path, "vp8")
    data = whole.read_bytes()
    place = data.index(CLUSTER, data.index(CLUSTER) + 4)
    whole.write_bytes(data[: place + 2] + b"\xb7" + data[place + 3 :])
    (lost,) = lost_blocks(whole)
    assert lost == (place, data.index(CLUSTER, place + 4))
    assert read_timeline(whole).damaged


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_have_an_end(seed: int, tmp_path: Path) -> None:
    chance, path = random.Random(seed), tmp_path / "any.mkv"
    head = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7
    kinds = (
        CLUSTER,
        b"\xa3",
        b"\xa0",
        b"\xe7",
        b"\xec",
        b"\xff",
        b"\x80",
        b"\x00",
        b"\x01",
        b"\x16\x54\xae\x6b",
        b"\xae",
    )
    path.write_bytes(head + b"".join(chance.choice((*kinds, chance.randbytes(3))) for _ in range(400)))
    last = len(head)
    for lost in lost_blocks(path):
        assert last <= lost.start <= lost.end <= path.stat().st_size
        last = lost.end
