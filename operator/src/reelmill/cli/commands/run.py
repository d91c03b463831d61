"""`reelmill run`: the pipeline on this machine, to its end."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer

from reelmill import local
from reelmill.cli import store_commands
from reelmill.cli.display.output import Format, Output, emit, say, show
from reelmill.cli.display.progress import Lines, observing
from reelmill.cli.exits import CommandExit
from reelmill.cli.identity import identity
from reelmill.cli.input import pipeline
from reelmill.cli.input.options import AS_NAMED, USUAL, RunOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.conditions import ConditionType
from reelmill.contract.errors import ExitCode
from reelmill.contract.segment import Counts
from reelmill.contract.status import SourceStatus, StageStatus, Status

COLUMNS = ("name", "state", "in", "done", "filtered", "failed", "skipped", "items", "segments")
CODES = {
    ExitCode.OK: CommandExit.OK,
    ExitCode.CONFIG: CommandExit.INPUT,
    ExitCode.EARLY_ABORT: CommandExit.ITEMS,
    ExitCode.BUG: CommandExit.BUG,
    ExitCode.TRANSIENT: CommandExit.AGAIN,
    ExitCode.STALE_PLAN: CommandExit.AGAIN,
}
"""How a step's exit code becomes the command's."""


def run(
    file: pipeline.File,
    elsewhere: StoreOverride = AS_NAMED,
    work: RunOptions = USUAL,
    output: Output = Format.TABLE,
) -> None:
    """Run a pipeline file on this machine.

    What is done already is not done again. Ctrl-C stops it cleanly, and the next run goes on from there.
    """
    drive(pipeline.load(file, elsewhere), {}, work, output)


def drive(loaded: Loaded, annotations: Mapping[str, str], work: RunOptions, output: Format) -> NoReturn:
    """Run with requests, show the result, and leave with the exit code."""
    store_commands.require("run")
    uid = identity(loaded, store_commands.task(loaded, sources=True), make=True)
    stop = threading.Event()
    with observing(verbose=work.verbose, quiet=work.quiet) as observer, _stopping(stop, observer.say):
        outcome = local.run(
            loaded.pipeline,
            uid=uid,
            observer=observer,
            stop=stop,
            annotations=annotations,
            max_processes=work.jobs,
        )
    status = outcome.status
    if outcome.exit_code == ExitCode.BUG and not work.quiet:
        for line in observer.recent:
            say(f"  {line}")
    if output.for_people:
        if any(stage.surveyed for stage in status.stages):
            show([*map(_source, status.sources), *map(_stage, status.stages)], output, columns=COLUMNS)
        _last_words(loaded, outcome, observer)
    else:
        emit(status.model_dump(mode="json", by_alias=True), output)
        _tell_stall(status, observer)
    raise typer.Exit(CommandExit.INTERRUPTED if outcome.interrupted else CODES[ExitCode(outcome.exit_code)])


def _source(source: SourceStatus) -> dict[str, Any]:
    totals = Counts(in_=source.items + source.failed, done=source.items, failed=source.failed)
    state = "listed" if source.surveyed else "waiting"
    return {
        "name": source.name, "state": state, **totals.model_dump(by_alias=True),
        "items": source.items, "segments": source.segments,
    }  # fmt: skip


def _stage(stage: StageStatus) -> dict[str, Any]:
    totals = stage.totals.model_dump(by_alias=True)
    return {"name": stage.name, "state": stage.state, **totals, "items": stage.items, "segments": stage.segments}


def _last_words(loaded: Loaded, outcome: local.RunResult, observer: Lines) -> None:
    status, file = outcome.status, loaded.document.file
    if outcome.interrupted:
        say(f"stopped; go on with: reelmill run {file}")
        return
    _tell_stall(status, observer)
    if loaded.pipeline.spec.suspend:
        say("hint: spec.suspend is set: nothing runs until it is false")
    if status.failed:
        say(_losses(status, file))
    if status.holds(ConditionType.COMPLETE):
        say(f"complete: {status.store}")


def _tell_stall(status: Status, observer: Lines) -> None:
    """An error is told even where everything else is to be quiet or data."""
    stalled = status.condition(ConditionType.STALLED)
    if stalled and stalled.status == "True":
        observer.quiet = False
        observer.tell("error", stalled.message)


def _losses(status: Status, file: str) -> str:
    """How many failed, where to see why, and what takes them up again: of a source every run does."""
    see = f"{status.failed} failed: see reelmill ledger {file} --outcome failed"
    again = f", then reelmill retry {file}" if any(stage.totals.failed for stage in status.stages) else ""
    mend = (
        "; rows of a source are looked at again by every run" if any(source.failed for source in status.sources) else ""
    )
    return see + again + mend


@contextmanager
def _stopping(stop: threading.Event, say_: Any) -> Iterator[None]:
    """SIGINT and SIGTERM ask to stop; the second one no longer waits."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say_("stopping: what was begun is put in a safe place (once more: at once)")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
