"""The loop of a local run: observe, plan, apply, wait."""

import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.contract.errors import ExitCode
from reelmill.contract.process import import_path
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.spending import Prices
from reelmill.contract.status import Status
from reelmill.contract.task import RUN_PID_ENV
from reelmill.local.jobs import Jobs
from reelmill.local.observer import Observer, QuietObserver
from reelmill.local.process import OutputLine
from reelmill.plan import Action, CreateJob, DeleteJob, PatchJob, PlannerSettings, Snapshot, reconcile
from reelmill.plan.credentials import named_variables
from reelmill.processes.forked import OwnedTemplate
from reelmill.processes.step_template import preload_blocks, warm_template
from reelmill.tracing.run_trace import RunTrace, problem_of
from reelmill.tracing.spans import TraceSpan

STOP_SECONDS = 0.2
"""Seconds between two checks of `stop`."""
GRACE_SECONDS = 20.0
"""Seconds from SIGTERM to SIGKILL, to write a checkpoint."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run."""

    status: Status
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0: complete; 64: invalid spec, store or credentials, or a limit of cost without prices; 65: too many failed
        items; 70: internal error; 75: stopped, or try again.
        """
        if self.interrupted:
            return ExitCode.TRANSIENT
        if self.status.holds(ConditionType.COMPLETE):
            return ExitCode.OK
        stalls = [self.status.stall, *(stage.stall for stage in self.status.stages)]
        codes = {stall.exit for stall in stalls if stall}
        stalled = self.status.condition(ConditionType.STALLED)
        if stalled and stalled.reason == ConditionReason.SPEC_INVALID:
            codes.add(ExitCode.CONFIG)
        held = self.status.condition(ConditionType.SUSPENDED)
        if held and held.status == "True" and held.reason == ConditionReason.PRICES_MISSING:
            codes.add(ExitCode.CONFIG)
        if stalled and stalled.reason == ConditionReason.TOLERANCE_EXCEEDED:
            codes.add(ExitCode.EARLY_ABORT)
        order = (ExitCode.CONFIG, ExitCode.BUG, ExitCode.EARLY_ABORT)
        return next((code for code in order if code in codes), ExitCode.TRANSIENT)


def run(
    pipeline: VideoPipeline,
    *,
    uid: str = "",
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    annotations: Mapping[str, str] | None = None,
    max_processes: int | None = None,
    command: Sequence[str] = (),
    template: OwnedTemplate | None = None,
    fresh: bool = False,
    grace: float = GRACE_SECONDS,
    prices: Prices | None = None,
    run_reports: bool = False,
    export: Callable[[TraceSpan], None] | None = None,
) -> RunResult:
    """Run a pipeline on this machine until it is complete, stalls, or `stop` is set.

    `uid` identifies the pipeline in its store, in claims, Jobs and passes; absent: a new pipeline.
    `annotations` contain requests (see `reelmill.plan.requests`). `max_processes` is the maximum number of parallel
    steps (default: the number of CPUs). `command` runs one step (default: the installed `reelmill-stages`). `template`
    is a template process that was started before (default: a new one, unless there is a `command`). `fresh`: the store
    has nothing of the pipeline, so its survey needs the code of all stages for the forecast. The calling thread must
    exist as long as the run, because its processes end with it. `prices` are those of an hour of a step.
    `run_reports`: the run writes a report to its store. `export` receives the spans of its trace; absent: no trace.
    `spec.verify` is ignored. Raises SpecErrors for an invalid spec.
    """
    pipeline = pipeline.replace(spec=pipeline.spec.replace(verify=None))
    observer = observer or QuietObserver()
    stop = stop or threading.Event()
    uid, status = uid or uuid.uuid4().hex, Status()
    metadata = pipeline.metadata
    trace = RunTrace(metadata.namespace, metadata.name, export) if export else None
    if trace:
        observer.log({"level": "info", "msg": f"the trace of the run is {trace.trace_id}"})
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reelmill-"))
        if template is None and not command:
            template = stack.enter_context(warm_template())
            preload_blocks(template, pipeline.spec, os.environ)
        jobs = Jobs(
            list(command) or import_path.command("reelmill_stages"),
            folder=Path(folder),
            environment={
                **import_path.environment(step_environment(os.environ, named_variables(pipeline.spec))),
                RUN_PID_ENV: str(os.getpid()),
            },
            cpus=cpus,
            max_processes=max_processes or cpus,
            template=template,
            fresh=fresh,
            run_reports=run_reports,
            ran=trace.step if trace else lambda _: None,
        )
        try:
            while not stop.is_set():
                jobs.start()
                snapshot = Snapshot(
                    pipeline=pipeline,
                    uid=uid,
                    status=status,
                    jobs=jobs.bodies,
                    reports=jobs.reports,
                    annotations=annotations or {},
                    settings=PlannerSettings(prices=prices or Prices(), run_reports=run_reports),
                    trace=trace.trace_id if trace else "",
                )
                plan = reconcile(snapshot, datetime.now(UTC))
                if plan.status != status:
                    status = plan.status
                    observer.status(status)
                for action in plan.actions:
                    _apply(jobs, action)
                for event in plan.events:
                    observer.event(event)
                if not plan.actions and not jobs.has_active_job and not status.holds(ConditionType.RECONCILING):
                    return RunResult(status)
                if not plan.actions:
                    _wait_for_events(jobs, observer, stop, plan.wake_after)
        finally:
            for line in jobs.close(grace):
                _report_line(observer, line)
            if trace:
                trace.finish(problem_of(status))
    return RunResult(status, interrupted=True)


def _apply(jobs: Jobs, action: Action) -> None:
    match action:
        case CreateJob(job):
            jobs.create(job)
        case PatchJob(name, patch):
            jobs.patch(name, patch)
        case DeleteJob(name):
            jobs.delete(name)


def _wait_for_events(jobs: Jobs, observer: Observer, stop: threading.Event, wake_after: float | None) -> None:
    """Wait until a Job changes, `wake_after` seconds have passed, or `stop` is set."""
    left = 3600.0 if wake_after is None else wake_after
    while left > 0 and not stop.is_set():
        before = jobs.version
        slice_ = min(left, STOP_SECONDS)
        for line in jobs.wait(slice_):
            _report_line(observer, line)
        if jobs.version != before:
            return
        jobs.start()
        left -= slice_


def _report_line(observer: Observer, line: OutputLine) -> None:
    record = line.record
    if record.get("msg") == "progress" and isinstance(record.get("stage"), str):
        observer.progress(record["stage"], record)
    else:
        observer.log(record)
