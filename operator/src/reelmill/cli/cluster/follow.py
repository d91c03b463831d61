"""Watch a pipeline in the cluster until it ends: a live tree on a terminal, otherwise one line per change."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

import typer
from rich.console import Group
from rich.live import Live

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json, PipelineView, plain
from reelmill.cli.cluster.tree import lines
from reelmill.cli.cluster.verdict import verdict
from reelmill.cli.display.console import PrintableConsole, console
from reelmill.cli.display.output import Format, emit
from reelmill.cli.display.terminal import say, write
from reelmill.cli.exit_codes import CommandExit
from reelmill.contract.conditions import ConditionType
from reelmill.contract.errors import TransientError
from reelmill.contract.text.quantities import amount, count_of
from reelmill.plan.requests import pending

SECONDS = 1.0
"""Seconds between two polls."""

Show = Callable[[PipelineView], None]


def follow(link: ClusterClient, name: str, output: Format) -> NoReturn:
    """Show every change until the pipeline is complete (exit code 0) or failed (65)."""
    with _display(output) as show:
        while True:
            try:
                resource = link.pipeline(name)
            except TransientError as error:
                say(f"warning: {error}; retrying")
                time.sleep(5 * SECONDS)
                continue
            seen = PipelineView(resource, datetime.now(UTC))
            show(seen)
            if (code := ended(seen)) is not None:
                break
            time.sleep(SECONDS)
    raise typer.Exit(code)


def ended(seen: PipelineView) -> CommandExit | None:
    """The exit code of a pipeline that has handled its spec and all requests and has ended; None until then."""
    annotations = seen.resource["metadata"].get("annotations") or {}
    if seen.behind or pending(annotations, seen.status.handled).any:
        return None
    if seen.true(ConditionType.COMPLETE):
        return CommandExit.OK
    return CommandExit.ITEMS if seen.true(ConditionType.FAILED) else None


@contextmanager
def _display(output: Format) -> Iterator[Show]:
    if not output.for_people:
        yield _document_printer(output)
    elif not sys.stdout.isatty():
        yield _change_printer()
    else:
        with _live_tree(output) as show:
            yield show


@contextmanager
def _live_tree(output: Format) -> Iterator[Show]:
    screen = PrintableConsole(highlight=False)
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:

        def show(seen: PipelineView) -> None:
            live.update(Group(*lines(seen, width=screen.width, wide=output is Format.WIDE)), refresh=True)

        yield show


def _document_printer(output: Format) -> Show:
    last: list[str] = []

    def show(seen: PipelineView) -> None:
        version = seen.resource["metadata"]["resourceVersion"]
        if last[-1:] != [version]:
            last[:] = [version]
            if output is Format.YAML:
                print("---")
            emit(plain(seen.resource), output)

    return show


def _change_printer() -> Show:
    printed: dict[str, str] = {}

    def show(seen: PipelineView) -> None:
        for name, words in sentences(seen):
            if printed.get(name) != words:
                printed[name] = words
                write(f"{seen.now:%H:%M:%S} {name}: {words}")

    return show


def sentences(seen: PipelineView) -> Iterator[tuple[str, str]]:
    """(name, state) of the pipeline and of each stage; a state is printed whenever it changes."""
    for stage in seen.status.stages:
        work, totals = stage.pass_, stage.totals
        words: str = stage.state
        if work and work.step == "shards":
            words += f", {amount(work.done)} of {count_of(work.shards, 'shard')}"
        elif totals.in_:
            words += f", {totals.done} of {totals.in_} done" + (f", {totals.failed} failed" if totals.failed else "")
        yield stage.name, words + (f": {stage.message}" if stage.message else "")
    word, rest = verdict(seen)
    yield seen.name, word if word == "complete" else f"{word}: {rest}"


def shown(resource: Json, output: Format) -> None:
    """Print the pipeline's tree once."""
    screen = console()
    for line in lines(PipelineView(resource, datetime.now(UTC)), width=screen.width, wide=output is Format.WIDE):
        screen.print(line, soft_wrap=True)
