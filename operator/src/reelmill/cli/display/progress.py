"""Progress of a local run as plain lines: an observer of `reelmill.local.run` that writes to standard error.

The result is written to standard output at the end.
"""

import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from reelmill.cli.display.tally import Tally
from reelmill.cli.display.terminal import say
from reelmill.contract.conditions import ConditionReason
from reelmill.contract.status import SourceStatus, Status
from reelmill.contract.text.quantities import amount, count_of
from reelmill.plan import Event

LINE_SECONDS = 5.0
"""Minimum number of seconds between two progress lines of one stage, without a terminal."""

RECENT = 20
"""Number of log lines that are shown if a step ends with an internal error."""

SAME = 10
"""Number of equal warnings that are shown."""

_LEVELS_SHOWN = ("warning", "error", "critical")
_FIXED = frozenset({"ts", "level", "msg", "job", "index", "traceback", "error", "hint", "trace_id", "span_id"})
STEPS = {
    "waiting": "waiting",
    "opening": "cutting shards",
    "queued": "starting",
    "running": "",
    "committing": "closing the segment",
    "shared": "processed by another pipeline",
    "done": "done",
    "cached": "nothing to do",
    "stalled": "stalled",
}
"""State of a stage -> its name in the display."""


class Lines:
    """Plain progress lines, for logs and pipes."""

    def __init__(self, *, verbose: bool, quiet: bool = False) -> None:
        self.verbose = verbose
        self.quiet = quiet
        self.tallies: dict[str, Tally] = {}
        self.recent: deque[str] = deque(maxlen=RECENT)
        """The last lines logged by steps, shown or not."""
        self._line_times: dict[str, float] = {}
        self._printed: list[str] = []
        self._message_counts: Counter[str] = Counter()
        self._listed = False
        self._report = ""

    def finish(self) -> None:
        """Print the location of the run's report, after the last line about a stage."""
        if self._report:
            self.say(f"report: {self._report}")

    def status(self, status: Status) -> None:
        now = time.monotonic()
        for stage in status.stages:
            tally = self.tallies.setdefault(stage.name, Tally(stage.name))
            before = tally.state
            tally.take(stage, now)
            if tally.state != before:
                self.moved(tally, stage.message)
        if not self._listed and status.sources and all(source.surveyed for source in status.sources):
            self._listed = True
            for source in status.sources:
                self.say(listing(source))

    def moved(self, tally: Tally, message: str) -> None:
        """Report that the state of a stage changed."""
        if tally.state in ("stalled", "shared"):
            self.say(f"{tally.name}: {message or STEPS[tally.state]}")

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        tally = self.tallies.setdefault(stage, Tally(stage))
        tally.count(fields)
        now = time.monotonic()
        if now - self._line_times.get(stage, tally.began or now) >= LINE_SECONDS:
            self._line_times[stage] = now
            self.say(tally.line(now))

    def log(self, record: Mapping[str, Any]) -> None:
        words = [str(record.get("msg")), *str(record.get("traceback", "")).splitlines()]
        self.recent.extend(words)
        if record.get("level") in _LEVELS_SHOWN and self._is_news(words[0]):
            self.tell(str(record["level"]), _record_text(record))
        elif uri := record.get("report"):
            self._report = str(uri)  # printed at the end: lines about other steps may follow
        elif self.verbose:
            self.say(_record_text(record))
        if self.verbose:
            for line in words[1:]:
                self.say(line)

    def _is_news(self, message: str) -> bool:
        """Whether to show a message: repeated messages are shown SAME times; the ledger has all of them."""
        self._message_counts[message] += 1
        if self._message_counts[message] == SAME + 1:
            self.say(f"warning: {message}: further occurrences are listed in the ledger")
        return self._message_counts[message] <= SAME

    def event(self, event: Event) -> None:
        if event.type == "Warning":
            self.tell("warning", event.message)
        elif event.reason != ConditionReason.COMPLETE:
            self.say(event.message)

    def tell(self, level: str, message: str) -> None:
        """Print a problem once: the same one may be logged by a step, by the planner and at the end of the run."""
        if not any(printed in message for printed in self._printed):
            self.say(f"{level}: {message}")
            if not self.quiet:
                self._printed.append(message)

    def say(self, line: str) -> None:
        if not self.quiet:
            say(line)


def listing(source: SourceStatus) -> str:
    """The result of a listing: `raw: 17 rows, 3 of them new: 9 items, 8 failed, 1 changed or gone`."""
    drift = f", {source.drifted} changed or gone" if source.drifted else ""
    if not source.failed:
        return f"{source.name}: {count_of(source.items, 'item')}, {amount(source.new)} of them new{drift}"
    rows = source.items + source.failed
    listed = f"{count_of(source.items, 'item')}, {amount(source.failed)} failed"
    return f"{source.name}: {count_of(rows, 'row')}, {amount(source.new)} of them new: {listed}{drift}"


def _record_text(record: Mapping[str, Any]) -> str:
    """A log record as one line: `message; hint`, or the message followed by its fields."""
    text = str(record.get("msg"))
    if hint := record.get("hint"):
        return f"{text}; {hint}"
    return text + "".join(f" {name}={value}" for name, value in record.items() if name not in _FIXED)
