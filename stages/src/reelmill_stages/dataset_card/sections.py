"""The sections of a card with numbers: funnel, losses, fields and licences, as Markdown. Pure functions."""

from collections.abc import Iterable, Iterator, Sequence

from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.summary import Distribution, LossGroup
from reelmill.contract.measures import measure
from reelmill.contract.text.quantities import amount, count_of, size, time
from reelmill.contract.text.sparkline import sparkline
from reelmill_stages.dataset_card.licences import identifier
from reelmill_stages.dataset_card.markdown import code_block, inline, table
from reelmill_stages.dataset_card.tables import LicenceCounts

_UNKNOWN = "–"
_UNITS = {"duration": "s", "media.size": "bytes"}
_LONGEST = 160
_MOST_LOSSES = 200


def funnel(rows: Sequence[FunnelRow]) -> str:
    """The numbers of inputs and outputs of each source and stage."""
    return table(
        ("source or stage", "in", "kept", "dropped", "items out", "hours out", "bytes out"),
        [
            (
                f"`{row.name}` ({inline(row.type)})",
                amount(row.items_in),
                amount(row.items_kept),
                amount(row.items_in - row.items_kept),
                amount(row.items_out),
                hours(row.seconds_out),
                _size(row.bytes_out),
            )
            for row in rows
        ],
        " rrrrrr",
    )


def losses(groups: Sequence[LossGroup]) -> str:
    """Inputs that were not kept, by reason, with an example message."""
    if not groups:
        return "Nothing was dropped.\n"
    rows = [
        (
            f"`{group.name}`",
            group.outcome,
            inline(group.reason),
            amount(group.items),
            time(group.seconds) if group.seconds is not None else _UNKNOWN,
            inline(brief(group.examples[0].message)) if group.examples else "",
        )
        for group in groups[:_MOST_LOSSES]
    ]
    left_out = (
        f"\nThe list shows {_MOST_LOSSES} of {amount(len(groups))} reasons.\n" if len(groups) > _MOST_LOSSES else ""
    )
    return table(("stage", "outcome", "reason", "items", "video", "an example"), rows, "   rr") + left_out


def fields(found: Iterable[Distribution]) -> str:
    """Histograms of numbers, and the most frequent values of other fields."""
    groups = list(found)
    lines = [line for each in groups for line in _histogram(each)]
    values = [
        (f"`{each.field}`" if each.field.isidentifier() else inline(each.field), inline(one.value), amount(one.items))
        for each in groups
        if each.values
        for one in each.values.values
    ]
    parts = [code_block("\n".join(lines))] if lines else []
    parts += [table(("field", "value", "items"), values, "  r")] if values else []
    return "\n".join(parts) or "The items have no fields with numbers or classes.\n"


def licences(counts: LicenceCounts | None) -> str:
    """The values of the licence field."""
    if counts is None:
        return "No field with licences was named when this card was written.\n"
    rows = [
        (inline(brief(one.value)), identifier(one.value) or _UNKNOWN, amount(one.items))
        for one in (counts.values.values if counts.values else ())
    ]
    rows += [("(none)", _UNKNOWN, amount(counts.missing))] if counts.missing else []
    whose = f"of the items of {', '.join(counts.upstreams)} that these were made from" if counts.upstreams else ""
    intro = f"From the field {inline(counts.name)} {inline(whose or 'of the items')}, as the source gave it.\n\n"
    return intro + table(("licence", "identifier", "items"), rows, "  r")


def hours(seconds: float | None) -> str:
    """`12.5`: hours with four significant digits."""
    return _UNKNOWN if seconds is None else f"{seconds / 3600:,.4g}"


def brief(text: str) -> str:
    """The text, truncated if it is long."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _size(count: int | None) -> str:
    return _UNKNOWN if count is None else size(count)


def _histogram(each: Distribution) -> Iterator[str]:
    found = each.histogram
    if found is None:
        return
    known = measure(each.field.removeprefix("measures.")) if each.field.startswith("measures.") else None
    unit = known.unit if known else _UNITS.get(each.field, "")
    lost = f", {amount(found.missing)} missing" if found.missing else ""
    lost += f", {amount(found.bad)} no number" if found.bad else ""
    yield f"{each.field}{f' ({unit})' if unit else ''}: {count_of(found.items, 'item')}, mean {found.mean:.4g}{lost}"
    yield f"  {found.edges[0]:>10.4g} |{sparkline(found.counts)}| {found.edges[-1]:.4g}"
    quantiles = ", ".join(f"{name} {value:.4g}" for name, value in each.quantiles.items())
    yield f"  {'':>10}  {quantiles}"
