"""The observer that draws progress bars for a terminal with rich."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from reelmill.cli.display.output import NARROW, duration
from reelmill.cli.display.progress import STEPS, Lines
from reelmill.cli.display.tally import Tally
from reelmill.contract.status import Status
from reelmill.contract.text.terminal import printable


class Bars(Lines):
    """Progress bars for a terminal, one for each stage."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self.display = Progress(
            TextColumn("{task.description}"),
            BarColumn(40 if console.width >= NARROW else 20),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[speed]}", style="cyan"),
            TextColumn("{task.fields[lost]}", style="red"),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def status(self, status: Status) -> None:
        super().status(status)
        for tally in self.tallies.values():
            self._update_bar(tally)

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        tally = self.tallies.setdefault(stage, Tally(stage))
        tally.count(fields)
        self._update_bar(tally)

    def say(self, line: str) -> None:
        self.display.console.print(Text(printable(line)))

    def _update_bar(self, tally: Tally) -> None:
        if tally.name not in self._bars:
            self._bars[tally.name] = self.display.add_task(tally.name, total=None, count="", speed="", lost="")
        now = time.monotonic()
        finished = tally.state in ("done", "cached")
        count = f"{tally.seen} of {tally.total}" if tally.total else ""
        left = tally.left(now) if tally.state == "running" else None
        speed = f"{tally.rate(now):.1f}/s" if tally.state == "running" and tally.seen else STEPS[tally.state]
        losses = ", ".join(f"{tally.sum(word)} {word}" for word in ("failed", "filtered") if tally.sum(word))
        self.display.update(
            self._bars[tally.name],
            total=max(tally.total, 1) if tally.total or finished else None,
            completed=max(tally.total, 1) if finished else tally.seen,
            count=count,
            speed=f"{speed}, {duration(left)} left" if left is not None else speed,
            lost=losses,
        )
