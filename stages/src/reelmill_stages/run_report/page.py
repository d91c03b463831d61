"""The page of a run report: combines a summary, templates, plots and pictures into one HTML file.

The file is also well-formed XML. Its content security policy allows no script, no request and only its own style sheet;
the template engine escapes all text. Equal summaries and pictures give equal bytes.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reelmill import __version__
from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.summary import Summary
from reelmill.contract.text.quantities import count_of
from reelmill_stages.run_report import words
from reelmill_stages.run_report.document import yaml_of
from reelmill_stages.run_report.gallery import Sheet
from reelmill_stages.run_report.groups import FieldGroup, class_counts, field_groups
from reelmill_stages.run_report.plots.canvas import drawing
from reelmill_stages.run_report.plots.fields import classes, histogram
from reelmill_stages.run_report.plots.shares import shares
from reelmill_stages.run_report.plots.timeline import timeline
from reelmill_stages.run_report.plots.times import times

_WIDTHS = WIDE, NARROW = 760, 344
"""Widths of plots in CSS pixels, for larger screens and for phones."""
MOST_PLOTS = 120
"""Maximum number of fields with a plot; further fields are shown as numbers only."""
MOST_FIELDS = 400
"""Maximum number of fields with numbers."""
MOST_PASSES = 400
"""Maximum number of passes in the table; the last ones are shown."""
MOST_LOSSES = 400
"""Maximum number of losses in the table."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as data URIs: one for wide screens, and one for narrow ones (empty: the same)."""

    wide: str
    narrow: str = ""


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field with its plot and table."""

    group: FieldGroup
    plot: Plot | None
    classes: list[tuple[str, list[int | None]]]


@dataclass(frozen=True, slots=True)
class DrawnPlots:
    """The plots of a page."""

    run: dict[str, Plot | None]
    """The plots of the whole run, by name."""
    fields: list[FieldView]
    left_out: list[str]
    """Fields left out to limit the size of the report."""


def page(summary: Summary, reads: Mapping[str, Sequence[str]], sheets: Sequence[Sheet], document: str) -> bytes:
    """The report as HTML. `document` is the YAML of the pipeline; empty if unknown."""
    return written(summary, reads, drawn(summary, reads), sheets, document)


def drawn(summary: Summary, reads: Mapping[str, Sequence[str]]) -> DrawnPlots:
    """Draw all plots, which takes most of the time of a page."""
    left_out: list[str] = []
    with drawing():
        return DrawnPlots(_plots(summary), _fields(summary, reads, left_out), left_out)


def written(
    summary: Summary, reads: Mapping[str, Sequence[str]], plots: DrawnPlots, sheets: Sequence[Sheet], document: str
) -> bytes:
    """Render the page from plots and pictures; see `page`."""
    left_out = list(summary.left_out)
    overview = summary.overview
    passes = sorted(overview.passes, key=lambda each: (each.closed or 0.0, each.name, each.segment))
    passed = {each.name for each in passes}
    if len(passes) > MOST_PASSES:
        left_out.append(f"the table shows the last {MOST_PASSES} of {count_of(len(passes), 'pass', 'passes')}")
    if len(summary.losses) > MOST_LOSSES:
        left_out.append(f"the table shows {MOST_LOSSES} of {len(summary.losses):,} reasons")
    left_out += plots.left_out
    style = files(__package__).joinpath("templates/report.css").read_text()
    html = _TEMPLATE.render(
        summary=summary,
        overview=overview,
        ends=_last_stages(summary, reads),
        priced=any(rate.cost is not None for rate in overview.rates),
        used=any(rate.usage for rate in overview.rates),
        worked=[rate for rate in overview.rates if rate.name in reads and rate.name in passed],
        passes=passes[-MOST_PASSES:],
        losses=summary.losses[:MOST_LOSSES],
        fields=plots.fields,
        plots=plots.run,
        lost_sheets=[sheet for sheet in sheets if sheet.loss],
        made_sheets=[sheet for sheet in sheets if not sheet.loss],
        document=document,
        left_out=left_out,
        reads=reads,
        version=__version__,
        style=Markup(style),  # noqa: S704 - a file of this package
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )  # fmt: skip
    return html.encode()


def _template_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.told,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": lambda value: words.UNKNOWN if value is None else f"{value:,}",
        "number": words.number,
        "short": lambda value: words.number(value, digits=3),
        "seconds": words.seconds,
        "size": words.bytes_,
        "clock": words.clock,
        "money": words.money,
        "brief": words.brief,
        "yaml": yaml_of,
        "unit": words.unit,
        "meaning": words.meaning,
        "jpeg": lambda data: _address("image/jpeg", data),
    }
    environment.globals |= {"percent": words.percent}
    return environment


_TEMPLATE = _template_environment().get_template("report.html.jinja")
"""Compiled at import, which is before the plots are known where time matters."""


def _last_stages(summary: Summary, reads: Mapping[str, Sequence[str]]) -> list[FunnelRow]:
    """The stages that no other stage reads."""
    read = {upstream for upstreams in reads.values() for upstream in upstreams}
    return [row for row in summary.overview.funnel if row.kind == "stage" and row.name not in read]


def _plots(summary: Summary) -> dict[str, Plot | None]:
    overview = summary.overview
    names = [row.name for row in overview.rows]
    worked = [rate for rate in overview.rates if rate.worker_seconds or rate.usage]
    return {
        "funnel": _plot_of_both_widths(shares(overview.funnel, _WIDTHS)) if overview.funnel else None,
        "times": _plot_of_both_widths(times(worked, _WIDTHS)) if worked else None,
        "timeline": _plot_of_both_widths(timeline(names, overview.passes, _WIDTHS)),
    }


def _fields(summary: Summary, reads: Mapping[str, Sequence[str]], left_out: list[str]) -> list[FieldView]:
    groups = field_groups(summary.distributions, reads)
    if len(groups) > MOST_FIELDS:
        left_out.append(f"only the first {MOST_FIELDS} of {count_of(len(groups), 'field')} are shown")
    if len(groups) > MOST_PLOTS:
        left_out.append(f"only the first {MOST_PLOTS} of {count_of(len(groups), 'field')} have a plot")
    return [_field(group, plots=number < MOST_PLOTS) for number, group in enumerate(groups[:MOST_FIELDS])]


def _field(group: FieldGroup, *, plots: bool) -> FieldView:
    counts = class_counts(group) if group.first.values else []
    if not plots or len(counts) == 1 or _is_constant(group):
        return FieldView(group, None, counts)
    if group.first.histogram:
        return FieldView(group, Plot(_svg(histogram(group.first, group.last))), counts)
    shown = [(value, items[0] or 0, items[-1] if group.last else None) for value, items in counts]
    return FieldView(group, Plot(_svg(classes(shown))) if shown else None, counts)


def _is_constant(group: FieldGroup) -> bool:
    """Whether a field has only one value, which the table shows completely."""
    histogram = group.first.histogram
    return bool(histogram and histogram.least == histogram.most)


def _plot_of_both_widths(images: Sequence[bytes]) -> Plot | None:
    if not images:
        return None
    wide, narrow = images
    return Plot(_svg(wide), _svg(narrow))


def _svg(image: bytes) -> str:
    return _address("image/svg+xml", image)


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
