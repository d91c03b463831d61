"""One step from its Task to its report and exit code: what a pod's process does."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from reelmill.contract.compact import packed
from reelmill.contract.digest import canonical
from reelmill.contract.errors import DiskFull, ExitCode, ReelmillError, SpecError
from reelmill.contract.log import event, setup
from reelmill.contract.task import ENV, INDEX_ENV, REPORT_ENV, REPORT_FILE, Failure, Report, Step, SurveyReport, Task
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.runtime.context import Interrupted, StepContext, context

log = logging.getLogger(__name__)

REPORT_BYTES = 4096
"""Kubernetes cuts termination messages there."""


def run(env: Mapping[str, str]) -> ExitCode:
    """Run the step that the environment describes; everything that goes wrong becomes an exit code."""
    setup()
    stop = threading.Event()
    step = Step.SURVEY
    try:
        task = read_task(env)
        step = task.step
        _listen(stop, immediate=step != Step.SHARDS)
        with context(task, env, stop) as found:
            report = _do(found, env)
        if report is not None:
            _write(env, _short(report, task))
    except Exception as error:
        return _end(env, step, error)
    return ExitCode.OK


def _end(env: Mapping[str, str], step: Step, error: Exception) -> ExitCode:
    """Say what went wrong, in the log and in the report."""
    if is_disk_full(error) and not isinstance(error, DiskFull):
        error = DiskFull(f"the disk is full: {error}", hint="free some space, then run again: it goes on from here")
    if isinstance(error, ReelmillError):
        event(log, str(error), level=logging.ERROR, error=type(error).__name__, hint=error.hint)
        hint, code = error.hint, error.exit_code
    else:
        log.error("this is a bug of reelmill or of the stage", exc_info=error)
        hint, code = "report it with this pod's log", ExitCode.BUG
    failure = Failure(step=step, error=type(error).__name__, message=str(error)[:1500], hint=hint[:500])
    _write(env, failure.model_dump_json(by_alias=True).encode())
    return code


def read_task(env: Mapping[str, str]) -> Task:
    """The Task in the environment. Raises SpecError when it is absent or not one."""
    text = env.get(ENV)
    if not text:
        raise SpecError(f"the environment has no {ENV}", hint="this program is started by reelmill, not by hand")
    try:
        return Task.model_validate_json(text)
    except ValidationError as error:
        raise SpecError(
            f"{ENV} cannot be read: {error}", hint="the operator and this image are of different versions"
        ) from error


def _do(found: StepContext, env: Mapping[str, str]) -> Report | None:
    # Imported here, because each step is a process that should start with what it needs and no more.
    match found.task.step:
        case Step.SURVEY:
            from reelmill_stages.runtime.survey.step import survey

            return survey(found)
        case Step.OPEN:
            from reelmill_stages.runtime.open.step import open_pass

            return open_pass(found)
        case Step.COMMIT:
            from reelmill_stages.runtime.commit.step import commit

            return commit(found)
        case Step.REMOVE:
            from reelmill_stages.runtime.remove import remove

            return remove(found)
        case Step.SHARDS:
            from reelmill_stages.runtime.shards.step import run_shard

            run_shard(found, _index(env))
            return None


def _index(env: Mapping[str, str]) -> int:
    text = env.get(INDEX_ENV, "")
    if not text.isdecimal():
        raise SpecError(f"{INDEX_ENV} is {text!r}, not a number", hint="shards run in an Indexed Job")
    return int(text)


def _listen(stop: threading.Event, *, immediate: bool) -> None:
    """SIGTERM and SIGINT: a shard finishes what it must and checkpoints; other steps can be cut anywhere."""

    def handler(number: int, _: FrameType | None) -> None:
        if immediate:
            raise Interrupted(f"{signal.Signals(number).name} came", hint="run again: it goes on where it stopped")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _short(report: Report, task: Task) -> bytes:
    """The report without what is at its default; what is still too long for Kubernetes is told in numbers alone."""
    data = _dump(report)
    if len(data) > REPORT_BYTES and isinstance(report, SurveyReport):
        stages = {stage.name: [upstream.name for upstream in stage.upstreams] for stage in task.stages}
        data = _dump(packed(report, stages))
    return data


def _dump(report: Report) -> bytes:
    return canonical({"step": report.step, **report.model_dump(mode="json", by_alias=True, exclude_defaults=True)})


def _write(env: Mapping[str, str], data: bytes) -> None:
    path = Path(env.get(REPORT_ENV) or REPORT_FILE)
    try:
        path.write_bytes(data)
    except OSError as error:
        if env.get(REPORT_ENV):
            log.warning("the report cannot be written to %s: %s", path, error.strerror)


def main() -> None:
    """The process's own entry."""
    code = run(os.environ)
    logging.shutdown()
    sys.exit(int(code))
