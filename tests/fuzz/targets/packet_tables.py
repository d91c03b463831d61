"""Target for packets with arbitrary times, keys and order: plans, timelines and cuts made from them."""

import struct
from fractions import Fraction

from reelmill_stages.media.bitstream.units import Unit
from reelmill_stages.media.cutting.cut import cut_frames, slice_of
from reelmill_stages.media.timeline.clock import Clock
from reelmill_stages.media.timeline.decode_plan import runs, start_keys
from reelmill_stages.media.timeline.packet_table import PacketTable, Row
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media.timeline.visible_frames import after_damage, visible_frames

_ROW = struct.Struct(">iiHB")
_FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "avi", "h264")


def packet_table(data: bytes) -> None:
    """A header of container, clock and span, and eleven bytes for each packet."""
    if len(data) < 8:
        return
    container = _FORMATS[data[0] % len(_FORMATS)]
    time_base = Fraction(1, 1 + int.from_bytes(data[1:4], "big"))
    rows = [_row(*_ROW.unpack_from(data, at)) for at in range(8, len(data) - _ROW.size + 1, _ROW.size)]
    if not rows:
        return
    jump = Clock(container, time_base).jump([r.dts for r in rows], [r.pts for r in rows], [r.key for r in rows])
    assert jump is None or (str(jump) and 0 <= jump.packet < len(rows))
    orders = [(row.pts,) if row.pts is not None else None for row in rows]
    entries = [row.key and row.pts is not None for row in rows]
    starts = start_keys(orders, entries)
    table = PacketTable.of(rows, entries, starts)
    _visible(rows, entries, orders)
    shown = sorted({row.pts: n for n, row in enumerate(rows) if row.pts is not None and starts[n] is not None}.items())
    if not shown:
        return
    numbers = [number for _, number in shown]
    for run in runs(numbers, starts):
        assert run.first <= min(run.wanted) <= run.last
        assert rows[run.first].key
    ticks = [tick for tick, _ in shown]
    timeline = Timeline(
        stream=0, codec="h264", container=container, time_base=time_base, pts=tuple(ticks), end=ticks[-1] + 1,
        keys=tuple(entries[n] for n in numbers), skippable=(False,) * len(shown), numbers=tuple(numbers),
        packets=table, repaired=bool(data[4] & 1),
    )  # fmt: skip
    first, length = data[5] % len(shown), data[6]
    cut = cut_frames(timeline, range(first, min(len(shown), first + 1 + length)))
    piece = slice_of(timeline, cut)
    if piece is not None:
        assert all(dts <= pts for dts, pts in zip(piece.dts, piece.pts, strict=True))
    begin = (data[7] - 128) / 16
    stretch = timeline.stretch(begin, begin + length / 8)
    assert stretch.start <= stretch.end
    assert 0 <= timeline.index_at(begin) < len(timeline)


def _visible(rows: list[Row], entries: list[bool], orders: list[tuple[int] | None]) -> None:
    """The visible frames where some packets are damaged."""
    units = [Unit(shown=True, entry=entry, order=order) for entry, order in zip(entries, orders, strict=True)]
    frames = visible_frames(rows, units, {number for number, row in enumerate(rows) if row.size & 1})
    if isinstance(frames, str):
        return
    assert frames.ticks
    assert list(frames.ticks) == sorted(set(frames.ticks))
    assert len(frames.ticks) == len(frames.numbers) == len(set(frames.numbers))
    affected = after_damage(units, {number for number, row in enumerate(rows) if row.size & 1})
    for number, tick in zip(frames.numbers, frames.ticks, strict=True):
        assert affected[number] or rows[number].pts == tick
        assert frames.starts[number] is not None


def _row(pts: int, dts: int, size: int, flags: int) -> Row:
    return Row(
        pts=None if flags & 2 else pts, dts=None if flags & 4 else dts, key=bool(flags & 1), size=size, place=None,
        duration=flags >> 4, hidden=False, disposable=bool(flags & 8), corrupt=False, unit=None,
    )  # fmt: skip
