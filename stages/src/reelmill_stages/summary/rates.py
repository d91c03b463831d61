"""Processing rates of sources and stages, from their passes and their funnel. Pure functions."""

from collections.abc import Iterable, Sequence

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.summary import PassRow, Rate
from reelmill.contract.records.usage import Usage


def rate(row: FunnelRow, passes: Sequence[PassRow], usage: Usage | None, hour_price: float | None = None) -> Rate:
    """The rates of one source or stage over these passes; None if times of one are unknown.

    `usage` is of all passes, and `hour_price` is the price of an hour of a pod.
    """
    pods = usage.pod_seconds if usage else None
    spans = [(each.opened, each.closed) for each in passes if each.opened is not None and each.closed is not None]
    seconds = covered(spans) if len(spans) == len(passes) else 0.0
    worked = sum(each.worker_seconds for each in passes)
    items = sum(each.in_ for each in passes)
    each_video = row.seconds_in / row.items_in if row.seconds_in is not None and row.items_in else None
    return Rate(
        name=row.name,
        seconds=round(seconds, 3) if seconds else None,
        worker_seconds=round(worked, 3),
        items_per_second=items / seconds if seconds else None,
        video_per_second=items * each_video / seconds if seconds and each_video is not None else None,
        written_per_second=sum(each.written for each in passes) / seconds if seconds else None,
        workers=worked / seconds if seconds else None,
        usage=usage,
        cost=pods / 3600 * hour_price if pods is not None and hour_price is not None else None,
        bound=usage.bound if usage else None,
    )


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of spans; spans that end before they begin are ignored."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        if end > max(begin, reached):
            total += end - max(begin, reached)
            reached = end
    return total
