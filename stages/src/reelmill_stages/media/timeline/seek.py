"""Reading packets of a stream from a given one on, independent of where the container's seek lands.

Seeking is a hint: an mp4 lands on the packet, a transport stream somewhere near it. The packet is therefore identified
by its time, offset and size, and the search restarts earlier, finally at the start of the file, until it is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container.changes.flv_settings import settings_change
from reelmill_stages.media.container.demux import damage, demuxed, opened, packets, video_stream
from reelmill_stages.media.timeline.packet_table import PacketTable
from reelmill_stages.media_file import MediaFile, local_path

_EARLIER = (0, 2, 10, None)
"""Seconds before the wanted moment at which to begin, tried in order; None is the start of the file."""
_UNALIGNED_EARLIER = (Fraction(1, 2), 2, 10, None)
"""The same for containers in which the first packet found by a seek is not used."""
_BEFORE = 10
"""Seconds before the first picture at which every file has begun."""
SURE = 32
"""Number of packets after the wanted one that must match the table before a seek is trusted."""
_NOT_FOUND = "a seek by the index does not find its packets"
_UNALIGNED = frozenset({"mpeg", "mpegts", "avi", "wtv"})
"""Containers whose audio blocks may begin within a packet. Only the first packet of a block has an offset."""
_REORDER = 64
"""Number of packets with later times after which a seek went too far: more than any codec decodes ahead."""


def video_from(
    path: MediaFile, container: InputContainer, stream: VideoStream, table: PacketTable, number: int
) -> Iterator[Packet[VideoStream]]:
    """Yield packets in decode order from the given number in the table on.

    Raises ItemError(`corrupt`) if that packet is not found again.
    """
    for earlier in _EARLIER:
        if earlier is None:
            local_path(path, _NOT_FOUND)
        later = 0
        found = _packets(path, container, stream, table.pts[number], earlier)
        for packet in found:
            if table.holds(number, packet):
                ahead = [packet, *islice(found, SURE)]
                if not table.follows(number, ahead):
                    break
                yield from ahead
                yield from found
                return
            later += packet.pts is not None and packet.pts > table.pts[number]
            if later > _REORDER and earlier is not None:
                break
    # Some demuxers return other packets after any seek; a newly opened file returns the listed ones.
    with opened(path) as anew:
        found = packets(path, anew, video_stream(path, anew, stream.index))
        ahead = list(islice(found, number, number + SURE))
        if not ahead or not table.follows(number, ahead):
            raise ItemError(ItemReason.CORRUPT, f"{path.name}: packet {number} is listed but cannot be read")
        yield from ahead
        yield from found


def audio_from(
    path: MediaFile, container: InputContainer, stream: AudioStream, pts: int, until: int | None = None
) -> Iterator[Packet[AudioStream]]:
    """Yield packets from the one that begins at or before this pts on, or all if the sound begins later.

    If the settings of the sound change in an FLV file, yield all packets, because decoders need the changes.

    `until` is the end of the read, if known; in a remote file, this much is prefetched. Raises WholeFileNeeded if it is
    most of the file.
    """
    if until is not None:
        expect_sound(path, stream, [(pts, until)])
    if container.format.name == "flv" and settings_change(path, sound=True):
        yield from _packets(path, container, stream, pts, None)
        return
    unaligned = container.format.name in _UNALIGNED
    for earlier in _UNALIGNED_EARLIER if unaligned else _EARLIER:
        if earlier is None and (pts - (stream.start_time or 0)) * (stream.time_base or 0) > _BEFORE:
            local_path(path, _NOT_FOUND)
        found = _packets(path, container, stream, pts, earlier)
        if earlier is not None and unaligned:
            found = _without_first_block(found)
        last = None
        for packet in found:
            if packet.pts is not None and packet.pts > pts:
                if last is not None or earlier is None:
                    yield from chain([last] if last else [], [packet], found)
                    return
                break
            last = packet
        else:
            if last is not None:
                yield last
                return


def _without_first_block(packets: Iterable[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
    """Skip the packets of the first block after a seek.

    If the block begins within a packet, its time is assigned to the rest of that packet, and later packets are late.
    """
    blocks = 0
    for packet in packets:
        blocks += packet.pos is not None
        if blocks > 1:
            yield packet


def expect_sound(path: MediaFile, stream: AudioStream, spans: Iterable[tuple[int, int]]) -> None:
    """Announce the next reads of sound of a remote file: spans of pts, in order.

    Raises WholeFileNeeded if they are most of the file.
    """
    if isinstance(path, Path):
        return
    entries = stream.index_entries
    wanted: list[range] = []
    for begin, end in spans:
        first = max(0, entries.search_timestamp(begin, any_frame=True))
        last = entries.search_timestamp(end, backward=False, any_frame=True)
        for number in range(first, last if last >= 0 else len(entries)):
            place = entries[number].pos
            if wanted and wanted[-1].stop == place:
                wanted[-1] = range(wanted[-1].start, place + entries[number].size)
            else:
                wanted.append(range(place, place + entries[number].size))
    if wanted:
        path.expect(wanted)


def _packets(
    path: MediaFile, container: InputContainer, stream: Any, pts: int, earlier: Fraction | int | None
) -> Iterator[Packet[Any]]:
    """Yield the packets after a seek; nothing if the container rejects it, unless it is to the start of the file.

    Seeks in Matroska pass packets before time 0.
    """
    _discard_all_but(container, stream.index)
    first = stream.start_time or 0
    # Seeks use decode times, and those of the first packets are before the first presentation time.
    start = first - round(_BEFORE / stream.time_base)
    begin = start if earlier is None else pts - round(earlier / stream.time_base)
    passes_first = earlier is None and first < 0 and "matroska" in container.format.name
    try:
        if not passes_first and _seek(container, stream, begin, first):
            yield from demuxed(container, stream)
        elif earlier is None:
            yield from _packets_of_new_container(path, stream.index)
    except av.FFmpegError as error:
        raise damage(path, error) from error


def _packets_of_new_container(path: MediaFile, index: int) -> Iterator[Packet[Any]]:
    """Yield all packets of a stream of a file, for containers in which no seek leads to its start."""
    with opened(path, sound=True) as container:
        _discard_all_but(container, index)
        yield from demuxed(container, container.streams[index])


def _discard_all_but(container: InputContainer, index: int) -> None:
    for stream in container.streams:
        stream.discard = Discard.default if stream.index == index else Discard.all


def _seek(container: InputContainer, stream: Any, begin: int, first: int) -> bool:
    """Seek to a tick; some containers reject ticks before the first packet, or all. Returns whether it succeeded."""
    for place in (begin, *(place for place in (0, first) if begin < place <= first), first):
        with suppress(av.FFmpegError):
            container.seek(place, stream=stream)
            return True
    return False
