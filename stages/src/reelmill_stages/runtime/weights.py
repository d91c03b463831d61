"""The weight of a data set's items, with its unit."""

import math

from reelmill.contract.records.rows import Fields, Media
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.weight import Weight


def weight_of(weight: float, media: Media | None, fields: Fields) -> Weight:
    """The weight of one item: in seconds if it equals its span or duration, in bytes if it equals its file size."""
    if media is not None and weight == media.size:
        return Weight(bytes=weight)
    start, end = fields.get("start"), fields.get("end")
    spans = [fields.get("duration")]
    if isinstance(start, int | float) and isinstance(end, int | float):
        spans.append(end - start)
    if any(isinstance(span, int | float) and math.isclose(span, weight, abs_tol=1e-3) for span in spans):
        return Weight(seconds=weight)
    return Weight(unknown=weight)


def data_set_weight(data: DataSet, *, after: int = 0) -> Weight:
    """The weight of the items of segments after `after`, in the unit of the first item of each."""
    total = Weight()
    for segment in data.segments(after=after):
        items = (item for part in segment.parts for item in data.part_items(part))
        if first := next((item for item in items if item.weight), None):
            total += weight_of(first.weight, first.media, first.fields).scaled(segment.weight / first.weight)
        else:
            total += Weight(unknown=segment.weight)
    return total
