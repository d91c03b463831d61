"""Packets that are damaged: by their own bits, or because the container lost some of them on the way.

Decoders fill what is lost with what they remember, and only some say so. Those of HEVC never do.

Where only some pictures of a transport or program stream tell their time, libraries count on from those by the frame
rate. A lost picture is not counted; and the one before it, whose time is when the next one is decoded, gets another.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from av.video.stream import VideoStream

from reelmill_stages.media.container.demux import opened, packets, video_stream
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.ogg_pages import lost_pages
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.timeline.packet_table import Row
from reelmill_stages.media_file import MediaFile

_PARSED = ("mpegts", "mpeg")
"""Containers whose payload a parser cuts into pictures: it has the next one in hand when it gives one out."""


def damaged_packets(file: MediaFile, container: str, video: VideoStream, rows: Sequence[Row]) -> frozenset[int]:
    """Their numbers in decode order. `container` is the name of the file's demuxer.

    Where damage leaves open when later pictures are shown, decoding begins no more at them: their rows change.
    """
    first = (0,) if container == "mpegts" and lost_at_first(file, video.id) else ()
    bits = (
        number for number, row in enumerate(rows) if row.unit is not None and row.unit.shown and row.unit.order is None
    )
    last = (len(rows) - 1,) if container in _PARSED and is_cut_short(file) else ()
    pages = _next_to_lost_pages(file, video.id, rows) if container == "ogg" else ()
    lossy = dict(_lossy(container, rows))
    found = {*bits, *first, *last, *pages}
    if container not in _PARSED or not (found or lossy):
        return frozenset((*found, *lossy))
    own = _own_times(file, video.index)
    joints: set[int] = set()
    for number, may_be_joined in lossy.items():
        joined = may_be_joined and number + 1 in own
        if not joined or (container == "mpegts" and lost_within(file, video.id, rows[number].place)):
            found.add(number)
        else:
            joints.add(number + 1)
    return _doubted(rows, found, joints, own)


def _next_to_lost_pages(file: MediaFile, stream: int, rows: Sequence[Row]) -> Iterator[int]:
    """The packet after lost pages, and the one before that lost its end with them, or after which none follows."""
    places = [row.place or 0 for row in rows]
    for lost in lost_pages(file, stream):
        after = bisect_left(places, lost.before)
        last = lost.last or after == len(rows)
        yield from range(max(0, after - (lost.within or last)), after + (not last))


def _lossy(container: str, rows: Sequence[Row]) -> Iterator[tuple[int, bool]]:
    """(number, whether the next one may begin a recording).

    Where recordings are joined, packets are counted anew, and nothing is lost.
    """
    lag = 1 if container in _PARSED else 0
    for number, row in enumerate(rows):
        lost = number + lag
        if row.corrupt and lost < len(rows):
            yield lost, bool(lag) and lost + 1 < len(rows) and _begins(rows[lost + 1])


def _begins(row: Row) -> bool:
    return row.unit is not None and row.unit.entry


def _own_times(file: MediaFile, stream: int) -> frozenset[int]:
    """The numbers of the packets that tell their time themselves. Raises ItemError as `container.opened` does."""
    with opened(file, own_times=True) as container:
        video = video_stream(file, container, stream)
        found = packets(file, container, video)
        return frozenset(number for number, packet in enumerate(found) if packet.pts is not None)


def _doubted(
    rows: Sequence[Row], damaged: Collection[int], joints: Collection[int], own: Collection[int]
) -> frozenset[int]:
    """The damaged packets, and those before them, or before `joints`, that wait for the next one to be shown.

    After damage, decoding does not begin before some packet has told its time again: the rows of entries change.
    """
    found, ends = set(damaged), {*damaged, *joints}
    waiting: int | None = None
    for number, row in enumerate(rows):
        if number in ends and waiting is not None and waiting not in own:
            found.add(waiting)
        if not _is_droppable(row):
            waiting = number
    lost = told = False
    for number, row in enumerate(rows):
        if number in found:
            lost, told = True, False
            continue
        told = told or number in own
        if lost and row.unit is not None and row.unit.entry:
            lost = not told
            row.unit = replace(row.unit, entry=told)
    return frozenset(found)


def _is_droppable(row: Row) -> bool:
    return row.unit is not None and row.unit.droppable
