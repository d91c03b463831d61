"""A pipeline's sources and stages as a tree of lines, wrapped to the terminal's width. Pure: callers pass the time."""

import textwrap
from collections.abc import Iterator

from rich.text import Text

from reelmill.cli.cluster.pipeline_view import PipelineView, seconds_left
from reelmill.cli.cluster.verdict import COLOURS, verdict
from reelmill.cli.display.output import duration, size
from reelmill.cli.display.usage import paid, used
from reelmill.contract.conditions import ConditionType
from reelmill.contract.counters import counted
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.records.segment import Counts
from reelmill.contract.status import SourceStatus, StageStatus
from reelmill.contract.text.quantities import count_of

BAR = 16
"""Width of a progress bar in characters."""
_STATES = {
    "waiting": "dim",
    "opening": "cyan",
    "queued": "yellow",
    "paused": "yellow",
    "running": "cyan",
    "committing": "cyan",
    "shared": "yellow",
    "done": "green",
    "cached": "green",
    "listed": "green",
    "stalled": "red",
}


def lines(seen: PipelineView, *, width: int, wide: bool = False) -> Iterator[Text]:
    """The lines for a pipeline: its state, its tree of sources and stages, and warnings."""
    yield from _heading_lines(seen, width)
    rows = list(_rows(seen))
    if rows:
        yield Text()
    column = max((len(prefix) + len(name) for prefix, _, name in rows), default=0)
    states = max((len(_state(seen, name)) for _, _, name in rows), default=0)
    for prefix, below, name in rows:
        state = _state(seen, name)
        line = Text().append(prefix, style="dim")
        line.append(f"{name:<{column - len(prefix)}}  ", style="bold")
        line.append(f"{state:<{states}}  ", style=_STATES.get(state, ""))
        indent = column + states + 4
        words, *more = [*_entry_facts(seen, name, wide=wide)] or [Text()]
        line.append_text(words)
        line.rstrip()
        yield from _wrapped_line(line, width, indent, below)
        for fact in more:
            yield from _continuation_lines(fact, width, indent, below)
    yield from _warning_lines(seen, width)


def _heading_lines(seen: PipelineView, width: int) -> Iterator[Text]:
    word, rest = verdict(seen)
    head = Text(f"{seen.name}  ", style="bold")
    head.append(word, style=COLOURS[word])
    heading = f"{word} {rest}" if word == "complete" else f"{word}: {rest}"
    first, *more = textwrap.wrap(heading, max(width - len(seen.name) - 2, 20), subsequent_indent="") or [""]
    head.append(first.removeprefix(word), style="")
    head.stylize("not bold", len(seen.name))
    yield head
    for line in more:
        yield Text(" " * (len(seen.name) + 2) + line)
    facts = [f"namespace {seen.namespace}", f"{duration(seen.age)} old", seen.status.store, paid(seen.status.spent)]
    yield Text(" · ".join(fact for fact in facts if fact), style="dim", overflow="ellipsis", no_wrap=True)


def _rows(seen: PipelineView) -> Iterator[tuple[str, str, str]]:
    """(prefix, prefix of lines below, name) of sources and stages. A stage is placed below its first input."""
    sources = [source.name for source in seen.status.sources]
    stages = [stage.name for stage in seen.status.stages]
    first = {name: seen.upstreams.get(name, ())[:1] for name in stages}

    def children_of(name: str) -> list[str]:
        return [stage for stage in stages if first[stage] == (name,)]

    def walk(name: str, prefix: str, below: str) -> Iterator[tuple[str, str, str]]:
        children = children_of(name)
        yield prefix, below + ("│  " if children else "   "), name
        for child in children:
            last = child == children[-1]
            yield from walk(child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))

    for name in sources:
        yield from walk(name, "", "")
    yield from (("", "", name) for name in stages if not first[name])


def _state(seen: PipelineView, name: str) -> str:
    entry = _status_entry(seen, name)
    if isinstance(entry, StageStatus):
        return "paused" if entry.pass_ and seen.true(ConditionType.SUSPENDED) else entry.state
    return "listed" if entry.surveyed else "waiting"


def _entry_facts(seen: PipelineView, name: str, *, wide: bool) -> Iterator[Text]:
    entry = _status_entry(seen, name)
    if isinstance(entry, SourceStatus):
        if entry.surveyed:
            drifted = f", {entry.drifted:,} changed or gone" if entry.drifted else ""
            yield _counts_text(count_of(entry.items, "item"), entry.failed, drifted)
    else:
        yield (
            _shards_progress(seen, entry)
            if entry.pass_ and entry.pass_.step == "shards"
            else _totals_text(entry.totals)
        )
        others = seen.upstreams.get(name, ())[1:]
        if others:
            yield Text(f"also reads {', '.join(others)}", style="dim")
        if entry.counters:
            yield Text(f"counted: {counted(entry.counters)}", style="dim")
        if entry.message:
            yield Text(entry.message, style="red" if entry.state == "stalled" else "yellow")
    if wide:
        yield from (Text(fact, style="dim") for fact in _extra_lines(entry))


def _shards_progress(seen: PipelineView, stage: StageStatus) -> Text:
    work = stage.pass_
    assert work is not None
    share = work.done / work.shards if work.shards else 0.0
    full = round(share * BAR)
    text = Text("━" * full, style="cyan").append("─" * (BAR - full), style="dim")
    counts = f" {work.done:,}/{count_of(work.shards, 'shard')}"
    counts += f", {count_of(work.active, 'pod')}" if work.active else ""
    if (left := seconds_left(stage, seen)) is not None:
        counts += f", {duration(left)} left"
    text.append(counts, style="")
    if work.attempt > 1:
        text.append(f", attempt {work.attempt}", style="yellow")
    if work.memory:
        text.append(f", {work.memory} of memory", style="yellow")
    if work.failed:
        text.append(f", failed {work.failed}", style="red")
    return text


def _totals_text(totals: Counts) -> Text:
    if not totals.in_:
        return Text()
    others = "".join(
        f", {count:,} {word}" for word, count in (("filtered", totals.filtered), ("skipped", totals.skipped)) if count
    )
    return _counts_text(f"{totals.done:,} of {totals.in_:,} done", totals.failed, others)


def _counts_text(counts: str, failed: int, more: str = "") -> Text:
    text = Text(counts)
    if failed:
        text.append(f", {failed:,} failed", style="red")
    return text.append(more)


def _extra_lines(entry: SourceStatus | StageStatus) -> Iterator[str]:
    if isinstance(entry, SourceStatus):
        yield f"segments {entry.segments}, new {entry.new:,}, key {entry.key[:KEY_DIGITS]}"
        return
    rate = f", {entry.rate:.1f} items/s" if entry.rate else ""
    wrote = f", wrote {size(entry.bytes)}" if entry.bytes else ""
    yield f"{entry.path}, segments {entry.segments}, makes {count_of(entry.items, 'item')}{rate}{wrote}"
    if entry.usage:
        yield used(entry.usage)
    if entry.reasons:
        yield ", ".join(f"{reason} {count:,}" for reason, count in entry.reasons.items())


def _warning_lines(seen: PipelineView, width: int) -> Iterator[Text]:
    """Warnings that hold in addition to the state."""
    shown_types = (ConditionType.DRIFTED, ConditionType.SHARED_PASS, ConditionType.OUTDATED_DEFINITION)
    messages = [condition.message for type_ in shown_types if (condition := seen.true(type_))]
    messages += [f"not verified: {found.message}"] if (found := seen.not_verified) else []
    if messages:
        yield Text()
    for message in messages:
        yield from (Text(line, style="yellow") for line in textwrap.wrap(message, width))


def _wrapped_line(line: Text, width: int, indent: int, below: str) -> Iterator[Text]:
    """Wrap a line that is too long; the rest is indented."""
    if len(line) <= width:
        yield line
        return
    at = line.plain.rfind(", ", 0, width)
    if at <= indent:
        at = width - 1
    yield line[: at + 1]
    yield from _continuation_lines(line[at + 2 :], width, indent, below)


def _continuation_lines(text: Text, width: int, indent: int, below: str) -> Iterator[Text]:
    style = text.style or (text.spans[0].style if text.spans else "")
    for part in textwrap.wrap(text.plain, max(width - indent, 24)):
        line = Text().append(below.ljust(indent), style="dim")
        yield line.append(part, style=style)


def _status_entry(seen: PipelineView, name: str) -> SourceStatus | StageStatus:
    entries: list[SourceStatus | StageStatus] = [*seen.status.sources, *seen.status.stages]
    return next(entry for entry in entries if entry.name == name)
