"""Packets that are damaged: by their own bits, or because the container lost some of them on the way.

Decoders fill what is lost with what they remember, and only some say so. Those of HEVC never do.
"""

from collections.abc import Iterator, Sequence

from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.timeline.packet_table import Row
from reelmill_stages.media_file import MediaFile

_PARSED = ("mpegts", "mpeg")
"""Containers whose payload a parser cuts into pictures: it has the next one in hand when it gives one out."""


def damaged_packets(file: MediaFile, container: str, stream_id: int, rows: Sequence[Row]) -> frozenset[int]:
    """Their numbers in decode order. `container` is the name of the file's demuxer, `stream_id` that of the stream."""
    first = (0,) if container == "mpegts" and lost_at_first(file, stream_id) else ()
    bits = (
        number for number, row in enumerate(rows) if row.unit is not None and row.unit.shown and row.unit.order is None
    )
    last = (len(rows) - 1,) if container in _PARSED and is_cut_short(file) else ()
    lossy = (
        number
        for number, may_be_joined in _lossy(container, rows)
        if not may_be_joined or (container == "mpegts" and lost_within(file, stream_id, rows[number].place))
    )
    return frozenset((*bits, *first, *lossy, *last))


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
