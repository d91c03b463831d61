"""A run on this machine, for the commands that start one: progress, result, and signals."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import typer
from pydantic import ValidationError

from reelmill import local
from reelmill.cli import store_commands
from reelmill.cli.display.observers import observing
from reelmill.cli.display.output import Format, emit, prepare, show
from reelmill.cli.display.progress import Lines
from reelmill.cli.display.terminal import say, write
from reelmill.cli.exit_codes import OF_STEPS, CommandExit
from reelmill.cli.identity import identity
from reelmill.cli.input.options import RunOptions
from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.openlineage import lineage
from reelmill.cli.standard_streams import ReaderGone
from reelmill.contract.conditions import ConditionType
from reelmill.contract.counters import counted
from reelmill.contract.errors import ExitCode, SpecError
from reelmill.contract.records.segment import Counts
from reelmill.contract.spending import Prices
from reelmill.contract.status import SourceStatus, StageStatus, Status
from reelmill.processes.forked import OwnedTemplate
from reelmill.processes.step_template import preload_blocks
from reelmill.tracing.otlp import OtlpExport, endpoint_in

COLUMNS = ("name", "state", "in", "done", "filtered", "failed", "skipped", "items", "segments")
RUN_REPORTS = "REELMILL_RUN_REPORTS"
"""Environment variable that turns reports off, as for the operator."""


def drive(
    loaded: Loaded,
    annotations: Mapping[str, str],
    work: RunOptions,
    output: Format,
    template: OwnedTemplate | None = None,
) -> NoReturn:
    """Run with the given requests, print the result, and exit. `template` is a template that was started before."""
    store_commands.require("run")
    environment, task = store_commands.environment(), store_commands.task(loaded, sources=True)
    preload_blocks(template, loaded.pipeline.spec, environment, later=True)
    uid = identity(loaded, task, make=False)
    if fresh := not uid:  # a first run: every stage will run
        preload_blocks(template, loaded.pipeline.spec, environment)
        uid = identity(loaded, task, make=True)
    prepare(output)  # while the template imports the code of the steps
    stop = threading.Event()
    with (
        observing(verbose=work.verbose, quiet=work.quiet) as observer,
        lineage(loaded.pipeline, observer, work.openlineage, environment) as watched,
        _stop_on_signals(stop, observer.say),
        _trace_export(observer) as export,
    ):
        outcome = local.run(
            loaded.pipeline,
            uid=uid,
            observer=watched,
            stop=stop,
            annotations=annotations,
            max_processes=work.jobs,
            template=template,
            fresh=fresh,
            prices=prices(),
            run_reports=_writes_report(work),
            export=export,
        )
    status = outcome.status
    if outcome.exit_code == ExitCode.BUG and not work.quiet:
        for line in observer.recent:
            say(f"  {line}")
    with suppress(ReaderGone):  # the exit code tells how the run ended
        _show_status(status, output)
    if output.for_people:
        _say_result(loaded, outcome, observer)
    else:
        _say_stall(status, observer)
    observer.finish()
    raise typer.Exit(CommandExit.INTERRUPTED if outcome.interrupted else OF_STEPS[ExitCode(outcome.exit_code)])


def _show_status(status: Status, output: Format) -> None:
    if not output.for_people:
        emit(status.model_dump(mode="json", by_alias=True), output)
    elif any(stage.surveyed for stage in status.stages):
        show([*map(_source_row, status.sources), *map(_stage_row, status.stages)], output, columns=COLUMNS)
        for stage in status.stages:
            if stage.counters:
                write(f"{stage.name}: counted: {counted(stage.counters)}")


def _writes_report(work: RunOptions) -> bool:
    """Whether the run writes a report: the option if given, otherwise the variable that operators also use."""
    if work.report is not None:
        return work.report
    return os.environ.get(RUN_REPORTS, "").lower() not in ("false", "0", "no", "off")


@contextmanager
def _trace_export(observer: Lines) -> Iterator[OtlpExport | None]:
    """The destination of the run's trace, from OpenTelemetry's variables, or None. Errors never end a run."""
    export = None
    if endpoint := endpoint_in(os.environ):
        try:
            export = OtlpExport(endpoint)
        except SpecError as error:
            observer.tell("warning", f"the run is not traced: {error}; {error.hint}")
    try:
        yield export
    finally:
        if export and (problem := export.close()):
            observer.tell("warning", f"the trace of the run is incomplete: {problem}")


def prices() -> Prices:
    """The prices in REELMILL_PRICES, as for the operator. Raises SpecError if they are invalid."""
    text = store_commands.environment().get("REELMILL_PRICES")
    try:
        return Prices.model_validate_json(text) if text else Prices()
    except ValidationError as error:
        raise SpecError(
            f"REELMILL_PRICES cannot be read: {error.errors()[0]['msg']}", hint='for example: {"cpuHour": 0.04}'
        ) from error


def _source_row(source: SourceStatus) -> dict[str, Any]:
    totals = Counts(in_=source.items + source.failed, done=source.items, failed=source.failed)
    state = "listed" if source.surveyed else "waiting"
    return {
        "name": source.name, "state": state, **totals.model_dump(by_alias=True),
        "items": source.items, "segments": source.segments,
    }  # fmt: skip


def _stage_row(stage: StageStatus) -> dict[str, Any]:
    totals = stage.totals.model_dump(by_alias=True)
    return {"name": stage.name, "state": stage.state, **totals, "items": stage.items, "segments": stage.segments}


def _say_result(loaded: Loaded, outcome: local.RunResult, observer: Lines) -> None:
    status, file = outcome.status, loaded.document.file
    if outcome.interrupted:
        say(f"stopped; resume with: reelmill run {file}")
        return
    _say_stall(status, observer)
    if loaded.pipeline.spec.suspend:
        say("hint: the pipeline is suspended; set spec.suspend to false to run it")
    elif (suspended := status.condition(ConditionType.SUSPENDED)) and suspended.status == "True":
        say(f"suspended: {suspended.message}")
    if status.failed:
        say(_losses_text(status, file))
    if status.holds(ConditionType.COMPLETE):
        say(f"complete: {status.store}")


def _say_stall(status: Status, observer: Lines) -> None:
    """Print the reason of a stall, even with --quiet or with JSON or YAML output."""
    stalled = status.condition(ConditionType.STALLED)
    if stalled and stalled.status == "True":
        observer.quiet = False
        observer.tell("error", stalled.message)


def _losses_text(status: Status, file: str) -> str:
    """The number of failures, and the commands that show and retry them."""
    see = f"{status.failed} failed: list them with reelmill ledger {file} --outcome failed"
    again = f", retry them with reelmill retry {file}" if any(stage.totals.failed for stage in status.stages) else ""
    listed = (
        "; failed rows of a source are read again by every run"
        if any(source.failed for source in status.sources)
        else ""
    )
    return see + again + listed


@contextmanager
def _stop_on_signals(stop: threading.Event, say_: Any) -> Iterator[None]:
    """Handle SIGINT and SIGTERM: the first one stops the run cleanly, the second one immediately."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say_("stopping: saving work in progress (press Ctrl-C again to stop immediately)")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
