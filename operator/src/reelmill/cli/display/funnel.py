"""The funnel of a pipeline for a terminal: one bar for each source and stage, and the reasons of losses."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from reelmill.cli.display.usage import used
from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.text.quantities import amount, size, time

BAR = 32
"""Width of the longest bar in characters."""
_MARKS = {"kept": "█", "filtered": "▒", "failed": "x", "skipped": "·"}
_STYLES = {"█": "green", "▒": "yellow", "x": "red", "·": "bright_black"}


def lines(rows: Sequence[FunnelRow]) -> Iterator[Text]:
    """The lines of the funnel. Each part of a bar has a distinct character, so bars are readable without colours."""
    most = max([row.items_in for row in rows], default=0) or 1
    width = max([len(row.name) for row in rows], default=0)
    for row in rows:
        head = Text(f"{row.name:<{width}}  ", style="bold")
        for mark in f"{_bar(row, most):<{BAR}}":
            head.append(mark, style=_STYLES.get(mark, ""))
        yield head.append(f"  in  {_amounts_text(row.items_in, row.seconds_in, row.bytes_in)}", style="not bold")
        yield _second_line(width, row.type, f"out {_amounts_text(row.items_out, row.seconds_out, row.bytes_out)}")
        for loss in row.lost:
            name = f"{loss.outcome} {loss.reason}".rstrip()
            yield _second_line(width, "", f"-   {name}: {_amounts_text(loss.items, loss.seconds, loss.bytes)}")
        if row.kind == "stage" and (row.worker_seconds or row.written):
            yield _second_line(width, "", f"    {time(row.worker_seconds)} of worker time, {size(row.written)} written")
        if row.usage:
            yield _second_line(width, "", f"    {used(row.usage)}")
    legend = Text()
    for word, mark in _MARKS.items():
        legend.append(mark, style=_STYLES[mark]).append(f" {word}  ")
    yield legend


def _second_line(width: int, left: str, right: str) -> Text:
    return Text(f"{'':<{width}}  {left:<{BAR}}  {right}")


def _bar(row: FunnelRow, most: int) -> str:
    """The inputs of a row by outcome; a part that is not empty has at least one character."""
    parts = [("kept", row.items_kept)]
    parts += [(word, sum(loss.items for loss in row.lost if loss.outcome == word)) for word in list(_MARKS)[1:]]
    bar = "".join(_MARKS[word] * max(round(BAR * items / most), 1) for word, items in parts if items)
    return bar[:BAR]


def _amounts_text(items: int, seconds: float | None, bytes_: int | None) -> str:
    parts = [f"{amount(items)} {'item' if items == 1 else 'items'}"]
    parts += [f"{time(seconds)} of video"] if seconds is not None else []
    parts += [size(bytes_)] if bytes_ is not None else []
    return ", ".join(parts)
