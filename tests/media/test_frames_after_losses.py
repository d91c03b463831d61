"""Frames that are counted, since few or none have times, keep their numbers after lost packets, or are refused."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import hypothesis
import pytest
from hypothesis import strategies as st

import footage
from media.lossy_streams import CODECS, TS, shown, stream, without_times
from reelmill.contract.errors import ItemError
from reelmill_stages.media.container.demux import opened, video_stream
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.counted_frames import measure
from reelmill_stages.media.timeline.packet_table import see
from reelmill_stages.media.timeline.timeline import read_timeline


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


@pytest.mark.store
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


def test_a_frame_of_unknown_number_after_damage_is_reported(tmp_path: Path) -> None:
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


def sparse(data: bytes, every: int) -> bytes:
    """A transport stream of which only every so many-th picture tells its time."""
    made = bytearray(data)
    begins = [at for at in range(0, len(made), TS) if made[at + 1] & 0x5F == 0x41 and made[at + 2] == 0]
    for at in (at for number, at in enumerate(begins) if number % every):
        made[at : at + TS] = without_times(bytes(made[at : at + TS]))
    return bytes(made)


@pytest.mark.store
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
