"""The main function of a pod: runs a step from its Task to its report and exit code."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from reelmill.contract.compact_report import packed
from reelmill.contract.counters import COUNTERS, REPORTS_ENV, USAGE
from reelmill.contract.digest import canonical
from reelmill.contract.errors import DiskFull, Exhausted, ExitCode, ReelmillError, SpecError
from reelmill.contract.log import event, setup
from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.process.trace_context import traced
from reelmill.contract.task import (
    ENV,
    INDEX_ENV,
    REPORT_ENV,
    REPORT_FILE,
    CommitReport,
    Failure,
    Report,
    Step,
    SurveyReport,
    Task,
)
from reelmill.contract.task_parts.connection_secrets import with_secrets
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.contract.task_parts.follow_up import FollowUp
from reelmill.contract.text.messages import shortened
from reelmill.processes.forked import ProcessTemplate, lend
from reelmill.processes.start_method import StartMethod, start_method
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.runtime.context import Interrupted, StepContext, context
from reelmill_stages.runtime.supervision import ProgressClock, supervise

log = logging.getLogger(__name__)

GARBAGE = 10_000
"""Allocated objects between two runs of the garbage collector: rows make many objects, but hardly any cycles."""
REPORT_BYTES = 4096
"""Maximum length in bytes of a termination message in Kubernetes."""


def run(env: Mapping[str, str], clock: ProgressClock | None = None) -> int:
    """Run the step in the environment's Task; every error becomes an exit code.

    A survey, which runs the code of adapters, runs in a separate child process where processes are forked.
    """
    setup(**traced(env))
    stop = threading.Event()
    clock = clock or ProgressClock()
    current = _Current(Step.SURVEY)
    try:
        task = read_task(env)
        current.step = task.step
        if task.step is Step.SURVEY and start_method(env) is StartMethod.FORK:
            code = supervise(clock)
            if code is not None:
                return code
        _handle_signals(stop, current)
        with context(task, env, stop, clock, whole_process=True) as found:
            report = _run_step(found, env, current)
            if isinstance(report, CommitReport):
                from reelmill_stages.runtime.run_report import end_of_run

                end_of_run(found, report)
        if report is not None:
            _write(env, _short_report(_report_for_reader(report, env), task))
    except Exception as error:
        return _report_failure(env, current.step, error)
    return ExitCode.OK


@dataclass(slots=True)
class _Current:
    """The step that the process is running; a whole pass has three."""

    step: Step

    def enter(self, step: Step) -> None:
        self.step = step


def _report_failure(env: Mapping[str, str], step: Step, error: Exception) -> ExitCode:
    """Write an error to the log and to the report; returns the exit code."""
    if is_disk_full(error) and not isinstance(error, DiskFull):
        error = DiskFull(f"the disk is full: {error}", hint="free some space, then run again to continue")
    elif (reason := exhausted(error)) and not isinstance(error, ReelmillError):
        error = Exhausted(
            reason, f"this step ran out of a resource: {error or type(error).__name__}", hint=reason.remedy
        )
    if isinstance(error, ReelmillError):
        event(log, str(error), level=logging.ERROR, error=type(error).__name__, hint=error.hint)
        hint, code = error.hint, error.exit_code
    else:
        log.error("internal error in reelmill or in the stage", exc_info=error)
        hint, code = "please report it with the log of this pod", ExitCode.BUG
    message = shortened(str(error), 1500)
    failure = Failure(step=step, error=type(error).__name__, message=message, hint=hint[:500])
    _write(env, failure.model_dump_json(by_alias=True).encode())
    return code


def read_task(env: Mapping[str, str]) -> Task:
    """The Task in the environment. Raises SpecError if it is missing or invalid."""
    text = env.get(ENV)
    if not text:
        raise SpecError(f"{ENV} is not set", hint="this program is started by reelmill, not by users")
    try:
        return with_secrets(Task.model_validate_json(text), env)
    except ValueError as error:  # including those of pydantic
        raise SpecError(
            f"{ENV} is invalid: {error}", hint="the operator and this image have different versions"
        ) from error


def read_follow_up(env: Mapping[str, str]) -> FollowUp | None:
    """The FollowUp in the environment, or None; one of a newer operator that cannot be read is ignored."""
    text = env.get(NEXT_ENV)
    if not text:
        return None
    try:
        return FollowUp.model_validate_json(text)
    except ValidationError:
        event(log, f"{NEXT_ENV} comes from another version: only the task is done", level=logging.WARNING)
        return None


def _run_step(found: StepContext, env: Mapping[str, str], current: _Current) -> Report | None:
    # Imported here so that each process imports only what its step needs.
    follow_up = read_follow_up(env)
    match found.task.step:
        case Step.SURVEY:
            from reelmill_stages.runtime.next_passes import next_passes
            from reelmill_stages.runtime.survey.step import survey

            listed = survey(found)
            return listed.replace(next=next_passes(found, follow_up)) if follow_up else listed
        case Step.OPEN if follow_up and follow_up.whole:
            from reelmill_stages.runtime.whole_pass import whole_pass

            return whole_pass(found, follow_up, current.enter)
        case Step.OPEN:
            from reelmill_stages.runtime.open.step import open_pass

            return open_pass(found, follow_up)
        case Step.COMMIT:
            from reelmill_stages.runtime.commit.step import commit
            from reelmill_stages.runtime.next_passes import next_passes

            closed = commit(found)
            return closed.replace(next=next_passes(found, follow_up)) if follow_up else closed
        case Step.VERIFY:
            from reelmill_stages.runtime.verify.step import verify

            return verify(found)
        case Step.REMOVE:
            from reelmill_stages.runtime.remove import remove

            return remove(found)
        case Step.SHARDS:
            from reelmill_stages.runtime.shards.step import run_shard

            run_shard(found, _index(env))
            if follow_up is None or not follow_up.closes:
                return None
            from reelmill_stages.runtime.commit.last_shard import closed_by_last_shard
            from reelmill_stages.runtime.next_passes import next_passes

            last = closed_by_last_shard(found, current.enter)
            return last.replace(next=next_passes(found, follow_up)) if last else None
        case Step.WHOLE:
            raise SpecError(f"{ENV} has the step {Step.WHOLE}", hint="a whole pass has the task of its open step")


def _index(env: Mapping[str, str]) -> int:
    text = env.get(INDEX_ENV, "")
    if not text.isdecimal():
        raise SpecError(f"{INDEX_ENV} is {text!r}, not a number", hint="shards run in an Indexed Job")
    return int(text)


def _handle_signals(stop: threading.Event, current: _Current) -> None:
    """Handle SIGTERM and SIGINT: shards and a verification save their progress first; other steps stop immediately."""

    def handler(number: int, _: FrameType | None) -> None:
        if current.step not in (Step.SHARDS, Step.VERIFY):
            raise Interrupted(f"stopped by {signal.Signals(number).name}", hint="run again to continue")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _report_for_reader(report: Report, env: Mapping[str, str]) -> Report:
    """The report without fields that its reader may not support."""
    known = env.get(REPORTS_ENV, "").split(",")
    counters, usage = COUNTERS in known, USAGE in known
    if isinstance(report, CommitReport):
        return report.replace(counters=report.counters if counters else {}, usage=report.usage if usage else None)
    return _survey_without(report, counters=counters, usage=usage) if isinstance(report, SurveyReport) else report


def _survey_without(report: SurveyReport, *, counters: bool = False, usage: bool = False) -> SurveyReport:
    """The report without the usage of its stages and, by default, without their counters."""
    stages = {
        name: stage.replace(counters=stage.counters if counters else {}, usage=stage.usage if usage else None)
        for name, stage in report.stages.items()
    }
    return report.replace(stages=stages)


def _short_report(report: Report, task: Task) -> bytes:
    """The report as JSON without default values; if too long for Kubernetes, the first shorter form that fits."""
    forms = [report]
    if isinstance(report, SurveyReport):
        forms += [_survey_without(report, usage=True), _survey_without(report)]
        stages = {stage.name: [upstream.name for upstream in stage.upstreams] for stage in task.stages}
        compact = packed(report, stages)
        forms += [compact.replace(next=report.next), compact]
    elif isinstance(report, CommitReport):
        forms += [report.replace(next=())]
    written = [_dump(form) for form in forms]
    return next((data for data in written if len(data) <= REPORT_BYTES), written[-1])


def _dump(report: Report) -> bytes:
    return canonical({"step": report.step, **report.model_dump(mode="json", by_alias=True, exclude_defaults=True)})


def _write(env: Mapping[str, str], data: bytes) -> None:
    path = Path(env.get(REPORT_ENV) or REPORT_FILE)
    try:
        path.write_bytes(data)
    except OSError as error:
        if env.get(REPORT_ENV):
            log.warning("cannot write the report to %s: %s", path, error.strerror)


def main() -> None:
    """The entry point of the process."""
    gc.set_threshold(GARBAGE)
    code = run(os.environ)
    logging.shutdown()
    sys.exit(int(code))


def main_forked(*requests: int) -> None:
    """The entry point of a process that was forked from a template, and may request workers from it.

    `requests` are the sockets of the template and, if there is one, of the template for reports.
    """
    template, *reports = (ProcessTemplate(socket.socket(fileno=descriptor)) for descriptor in requests)
    lend(template, reports=reports[0] if reports else None)
    main()
