"""Histograms of fields as lines for a terminal, with the limits of rules below them."""

from collections.abc import Iterator

from reelmill.contract.commands.tuning import Histogram, RuleEffect, TuneResult
from reelmill.contract.text.quantities import amount, count_of
from reelmill.contract.text.sparkline import sparkline


def lines(found: TuneResult) -> Iterator[str]:
    """A bar line for each numeric field, a line for each limit, and the most frequent values of other fields."""
    for each in found.histograms:
        summary = f"{count_of(each.items, 'item')}, {each.least:.4g} to {each.most:.4g}, mean {each.mean:.4g}"
        excluded = f", {amount(each.missing)} missing" if each.missing else ""
        excluded += f", {amount(each.bad)} no number" if each.bad else ""
        yield f"{each.field}: {summary}{excluded}"
        yield f"  {each.edges[0]:>10.4g} |{sparkline(each.counts)}| {each.edges[-1]:.4g}"
        for rule in found.rules:
            if rule.field == each.field:
                yield from _limit_lines(each, rule)
    for values in found.values:
        summary = ", ".join(f"{value.value} {amount(value.items)}" for value in values.values)
        yield f"{values.field}: {summary or 'too many different values to list'}"


def _limit_lines(histogram: Histogram, rule: RuleEffect) -> Iterator[str]:
    first, last = histogram.edges[0], histogram.edges[-1]
    bins = len(histogram.counts)
    for word, at in (("min", rule.min), ("max", rule.max)):
        if at is not None:
            place = min(max(int((at - first) / (last - first) * bins), 0), bins - 1)
            beyond = "" if first <= at <= last else " (outside)"
            yield f"  {'':>10}  {' ' * place}^ {rule.name}: {word} {at:g}{beyond}"
