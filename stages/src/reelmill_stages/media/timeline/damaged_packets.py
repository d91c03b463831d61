"""Packets that are damaged: by their own bits, or because the container lost some of them on the way.

Decoders fill what is lost with what they remember, and only some say so. Those of HEVC never do.
"""

from collections.abc import Iterator, Sequence

from reelmill_stages.media.bitstream.units import Unit
from reelmill_stages.media.container.extent import is_cut_short, lost_at_first
from reelmill_stages.media.timeline.packet_table import Row
from reelmill_stages.media_file import MediaFile

_PARSED = ("mpegts", "mpeg")
"""Containers whose payload a parser cuts into pictures: it has the next one in hand when it gives one out."""


def damaged_packets(
    file: MediaFile, container: str, stream_id: int, rows: Sequence[Row], units: Sequence[Unit]
) -> frozenset[int]:
    """Their numbers in decode order. `container` is the name of the file's demuxer, `stream_id` that of the stream."""
    first = (0,) if container == "mpegts" and lost_at_first(file, stream_id) else ()
    bits = (number for number, unit in enumerate(units) if unit.shown and unit.order is None)
    last = (len(rows) - 1,) if container in _PARSED and is_cut_short(file) else ()
    return frozenset((*bits, *first, *_lossy(container, rows, units), *last))


def _lossy(container: str, rows: Sequence[Row], units: Sequence[Unit]) -> Iterator[int]:
    lag = 1 if container in _PARSED else 0
    for number, row in enumerate(rows):
        lost = number + lag
        # Where recordings are joined, packets are counted anew, and nothing is lost: the next one begins a recording.
        joined = lag and lost + 1 < len(units) and units[lost + 1].entry
        if row.corrupt and lost < len(rows) and not joined:
            yield lost
