"""Chart of a histogram with the limits of rules: kept values are green, dropped ones grey."""

from collections.abc import Sequence

from reelmill.contract.commands.tuning import Histogram, RuleEffect
from reelmill.contract.text.quantities import amount, count_of
from reelmill_stages.pictures.drawing import GREY, INK, KEPT, LIMIT, PALE, Drawing

WIDTH, HEIGHT = 520, 190
_LEFT, _TOP, _BOTTOM = 14, 44, 34


def draw(histogram: Histogram, rules: Sequence[RuleEffect]) -> Drawing:
    """Draw the histogram of one field. `rules` are those that apply to it."""
    drawing = Drawing(WIDTH, HEIGHT)
    lost = [f"{amount(histogram.missing)} missing"] if histogram.missing else []
    lost += [f"{amount(histogram.bad)} no number"] if histogram.bad else []
    drawing.text(_LEFT, 20, histogram.field, 14)
    summary = ", ".join([f"{count_of(histogram.items, 'item')}, mean {histogram.mean:.4g}", *lost])
    drawing.text(WIDTH - _LEFT, 20, summary, 11, GREY, "end")
    first, last = histogram.edges[0], histogram.edges[-1]
    tallest, wide = max(histogram.counts) or 1, (WIDTH - 2 * _LEFT) / len(histogram.counts)
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    for place, count in enumerate(histogram.counts):
        middle = (histogram.edges[place] + histogram.edges[place + 1]) / 2
        height = max(room * count / tallest, 1.0) if count else 0
        kept = all(_keeps(rule, middle) for rule in rules)
        drawing.rectangle(_LEFT + place * wide, base - height, max(wide - 1, 1), height, KEPT if kept else GREY)
    drawing.rectangle(_LEFT, base, WIDTH - 2 * _LEFT, 1, PALE)
    drawing.text(_LEFT, HEIGHT - 18, f"{first:.4g}", 11, GREY)
    drawing.text(WIDTH - _LEFT, HEIGHT - 18, f"{last:.4g}", 11, GREY, "end")
    for rule in rules:
        for word, at in (("min", rule.min), ("max", rule.max)):
            if at is not None:
                share = min(max((at - first) / (last - first), 0.0), 1.0)
                x = _LEFT + (WIDTH - 2 * _LEFT) * share
                is_beyond = not first <= at <= last
                drawing.rectangle(x - 1, _TOP - 8, 2, 0 if is_beyond else room + 12, LIMIT)
                anchor = "start" if share < 1 / 3 else "end" if share > 2 / 3 else "middle"
                summary = f"{rule.name}: {word} {at:g}{' (outside)' if is_beyond else ''}"
                drawing.text(x, HEIGHT - 4, summary, 11, INK, anchor)
    return drawing


def _keeps(rule: RuleEffect, value: float) -> bool:
    return (rule.min is None or value >= rule.min) and (rule.max is None or value <= rule.max)
