"""Detection of damaged packets: by their own bits, or because the container lost packets.

Decoders fill losses from earlier pictures, and only some report it. HEVC decoders never do.

If only some pictures of a transport or program stream have a time, libraries extrapolate from those by the frame rate.
A lost picture is not counted, and the picture before it, whose time is that of the next decoded one, gets a wrong time.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from av.video.stream import VideoStream

from reelmill_stages.media.container.demux import opened, packets, video_stream
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.losses.matroska_blocks import lost_blocks
from reelmill_stages.media.container.losses.ogg_pages import lost_pages
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.timeline.packet_table import Row
from reelmill_stages.media_file import MediaFile

_PARSED = ("mpegts", "mpeg")
"""Containers whose payload a parser splits into pictures; it has read the next one before it returns one."""


def damaged_packets(file: MediaFile, container: str, video: VideoStream, rows: Sequence[Row]) -> frozenset[int]:
    """Return the numbers of damaged packets in decode order. `container` is the name of the file's demuxer.

    If damage makes the times of later pictures uncertain, decoding may no longer begin at them: their rows change.
    """
    first = (0,) if container == "mpegts" and lost_at_first(file, video.id) else ()
    bits = (
        number for number, row in enumerate(rows) if row.unit is not None and row.unit.shown and row.unit.order is None
    )
    last = (len(rows) - 1,) if container in _PARSED and is_cut_short(file) else ()
    pages = _next_to_lost_pages(file, video.id, rows) if container == "ogg" else ()
    lossy = dict(_packets_before_losses(container, rows))
    blocks = _next_to_lost_blocks(file, rows) if "matroska" in container and isinstance(file, Path) else ()
    found = {*bits, *first, *last, *pages, *blocks}
    if container not in _PARSED or not (found or lossy):
        return frozenset((*found, *lossy))
    own = _packets_with_times(file, video.index)
    joints: set[int] = set()
    for number, may_be_joined in lossy.items():
        joined = may_be_joined and number + 1 in own
        if not joined or (container == "mpegts" and lost_within(file, video.id, rows[number].place)):
            found.add(number)
        else:
            joints.add(number + 1)
    return _uncertain_packets(rows, found, joints, own)


def _next_to_lost_pages(file: MediaFile, stream: int, rows: Sequence[Row]) -> Iterator[int]:
    """Yield the packets next to lost pages: the one after, and the one before if its end is lost or none follows."""
    places = [row.place or 0 for row in rows]
    for lost in lost_pages(file, stream):
        after = bisect_left(places, lost.before)
        last = lost.last or after == len(rows)
        yield from range(max(0, after - (lost.within or last)), after + (not last))


def _next_to_lost_blocks(file: Path, rows: Sequence[Row]) -> Iterator[int]:
    """Yield the packets next to and between lost blocks; the one after them only if decoding cannot begin there."""
    places = [row.place or 0 for row in rows]
    for lost in lost_blocks(file):
        begin, after = bisect_left(places, lost.start), bisect_left(places, lost.end)
        yield from range(max(0, begin - 1), after)
        if after < len(rows) and not _is_entry(rows[after]):
            yield after


def _packets_before_losses(container: str, rows: Sequence[Row]) -> Iterator[tuple[int, bool]]:
    """Yield (number of a packet, whether the next packet may begin a recording).

    Where recordings are joined, counters restart, and nothing is lost.
    """
    lag = 1 if container in _PARSED else 0
    for number, row in enumerate(rows):
        lost = number + lag
        if row.corrupt and lost < len(rows):
            yield lost, bool(lag) and lost + 1 < len(rows) and _is_entry(rows[lost + 1])


def _is_entry(row: Row) -> bool:
    return row.unit is not None and row.unit.entry


def _packets_with_times(file: MediaFile, stream: int) -> frozenset[int]:
    """Return the numbers of packets with a time in the file. Raises ItemError as `container.opened` does."""
    with opened(file, own_times=True) as container:
        video = video_stream(file, container, stream)
        found = packets(file, container, video)
        return frozenset(number for number, packet in enumerate(found) if packet.pts is not None)


def _uncertain_packets(
    rows: Sequence[Row], damaged: Collection[int], joints: Collection[int], own: Collection[int]
) -> frozenset[int]:
    """Return the damaged packets, and those before them or before `joints` whose display waits for the next packet.

    After damage, decoding may begin only after a packet with a time: the rows of entries change.
    """
    found, ends = set(damaged), {*damaged, *joints}
    waiting: int | None = None
    for number, row in enumerate(rows):
        if number in ends and waiting is not None and waiting not in own:
            found.add(waiting)
        if not _is_droppable(row):
            waiting = number
    lost = has_time = False
    for number, row in enumerate(rows):
        if number in found:
            lost, has_time = True, False
            continue
        has_time = has_time or number in own
        if lost and row.unit is not None and row.unit.entry:
            lost = not has_time
            row.unit = replace(row.unit, entry=has_time)
    return frozenset(found)


def _is_droppable(row: Row) -> bool:
    return row.unit is not None and row.unit.droppable
