"""An in-memory implementation of the parts of the Kubernetes Job API that the planner uses, on top of processes.

It supports Indexed Jobs with retries per index, exit codes of the podFailurePolicy, maxFailedIndexes, suspension and
deletion. Each Job runs one process at a time; the workers of a shard use the CPUs, shared among the running stages.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

from reelmill.contract.backoff import Backoff
from reelmill.contract.process.trace_context import ENV as TRACE_ENV
from reelmill.contract.ranges import format_ranges
from reelmill.contract.task import ENV, Step, Task
from reelmill.contract.task_parts.connection_secrets import ENV as SECRETS_ENV
from reelmill.contract.task_parts.connection_secrets import of_this_machine
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.contract.task_parts.run_report import ENV as DEFINITION_ENV
from reelmill.local.job import LocalJob
from reelmill.local.process import Events, OutputLine, ProcessExit, start
from reelmill.plan.snapshot import stamp
from reelmill.processes.forked import CannotFork, OwnedTemplate
from reelmill.processes.report_template import ReportTemplate
from reelmill.processes.start_method import StartMethod, start_method
from reelmill.processes.step_template import SURVEY
from reelmill.tracing.spans import StepRun

RETRIES = Backoff(first=1.0, most=30.0)
"""Delays before an index is retried."""


class Jobs:
    """The Jobs of one run. Not thread-safe."""

    def __init__(
        self,
        command: list[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        cpus: int,
        max_processes: int,
        retries: Backoff = RETRIES,
        template: OwnedTemplate | None = None,
        fresh: bool = False,
        run_reports: bool = False,
        ran: Callable[[StepRun], None] = lambda _: None,
    ) -> None:
        """`command` runs a step; if there is a template, steps that can be forked are forked from it instead.

        `fresh`: the survey needs the code of the stages. `run_reports`: a step will write a report of the run, if there
        is work. `ran` is called for each process that has ended.
        """
        self.command = command
        self.template = template
        self.fresh = fresh
        self.run_reports = run_reports
        self.report_template: ReportTemplate | None = None
        self.folder = folder
        self.environment = environment
        self.cpus = cpus
        self.max_processes = max_processes
        self.retries = retries
        self.ran = ran
        self.events: Events = Events()
        self.version = 0
        """Incremented whenever a process ends."""
        self._jobs: dict[str, LocalJob] = {}

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The Jobs as JSON objects of the Kubernetes API."""
        return [copy.deepcopy(job.body) for job in self._jobs.values()]

    @property
    def reports(self) -> dict[str, str]:
        """Job name -> termination message, for finished Jobs."""
        return {name: job.report for name, job in self._jobs.items() if job.finished}

    @property
    def has_active_job(self) -> bool:
        """Whether a Job will change by itself: it is neither finished nor suspended, or its process has not ended."""
        return any(not job.finished and not job.is_at_rest for job in self._jobs.values())

    def create(self, body: dict[str, Any]) -> None:
        """Create a Job. Does nothing if the name exists, as after a 409."""
        body = copy.deepcopy(body)
        name = body["metadata"]["name"]
        if name in self._jobs:
            return
        (container,) = body["spec"]["template"]["spec"]["containers"]
        given = {variable["name"]: variable.get("value", "") for variable in container["env"]}
        body["status"] = {"active": 0}
        todo = list(range(body["spec"]["completions"]))
        further_variables = {name: given[name] for name in (NEXT_ENV, DEFINITION_ENV, TRACE_ENV) if name in given}
        if SECRETS_ENV in given:
            further_variables[SECRETS_ENV] = of_this_machine(given[SECRETS_ENV])
        self._jobs[name] = LocalJob(body, todo, Task.model_validate_json(given[ENV]), further_variables)

    def patch(self, name: str, patch: Mapping[str, Any]) -> None:
        """Merge-patch `spec`. Suspending a Job terminates its process; that index starts again on resume."""
        if job := self._jobs.get(name):
            job.body["spec"].update(patch.get("spec", {}))
            if job.body["spec"].get("suspend") and job.process:
                job.process.terminate()

    def delete(self, name: str) -> None:
        """Delete a Job; it disappears when its process has ended."""
        if job := self._jobs.get(name):
            if job.process is None:
                del self._jobs[name]
            else:
                job.body["metadata"]["deletionTimestamp"] = "now"
                job.process.terminate()

    def start(self) -> None:
        """Start all processes that may start now, for the oldest Job first."""
        now = time.monotonic()
        for job in self._jobs.values():
            if sum(other.process is not None for other in self._jobs.values()) >= self.max_processes:
                return
            index = next((index for index in job.todo if job.not_before.get(index, 0.0) <= now), None)
            if job.ready and index is not None:
                job.todo.remove(index)
                self._start_process(job, index)

    def wait(self, seconds: float) -> Iterator[OutputLine]:
        """Yield log lines until a Job changes or `seconds` have passed."""
        end = min([time.monotonic() + seconds, *self._retry_times()])
        while True:
            try:
                happened = self.events.get(timeout=max(end - time.monotonic(), 0.0))
            except Empty:
                return
            if isinstance(happened, ProcessExit):
                self._handle_exit(happened)
                return
            yield happened

    def close(self, grace: float) -> Iterator[OutputLine]:
        """Terminate all processes by SIGTERM, and by SIGKILL after `grace` seconds; yields their last log lines."""
        for job in self._jobs.values():
            job.todo.clear()
            if job.process:
                job.process.terminate()
        end = time.monotonic() + grace
        while any(job.process for job in self._jobs.values()) and time.monotonic() < end:
            yield from self.wait(end - time.monotonic())
        for job in self._jobs.values():
            if job.process:
                job.process.kill()
        self._close_report_template()

    def _retry_times(self) -> Iterator[float]:
        now = time.monotonic()
        for job in self._jobs.values():
            yield from (at for index, at in job.not_before.items() if at > now and index in job.todo and job.ready)

    def _start_process(self, job: LocalJob, index: int) -> None:
        task = self._task_for_this_machine(job.task)
        types = [stage.type for stage in task.stages] if task.step is not Step.SURVEY else []
        methods = {start_method(self.environment, stage=type_) for type_ in types}
        if self.run_reports and (self.fresh or task.step is not Step.SURVEY):
            self._prepare_report()
        begin = partial(
            start,
            self.command,
            job=job.name,
            index=index,
            task=task.model_dump_json(),
            folder=self.folder,
            environment={**self.environment, **job.beside, **job.trace(index)},
            events=self.events,
            needs=SURVEY if task.step is Step.SURVEY and not self.fresh else None,
            reports=self.report_template,
        )
        try:
            job.process = begin(None if StartMethod.SPAWN in methods else self.template)
        except CannotFork as error:
            self._stop_using_templates(error)
            job.process = begin()
        job.body["status"]["active"] = 1
        job.body["status"].setdefault("startTime", _timestamp())

    def _prepare_report(self) -> None:
        """Import the code that draws the report, once, while steps are running."""
        self.run_reports = False
        if self.template:
            with suppress(OSError):  # otherwise the step that writes the report imports it
                self.report_template = ReportTemplate(self.template, self.environment)

    def _close_report_template(self) -> None:
        if self.report_template:
            self.report_template.close()
            self.report_template = None

    def _stop_using_templates(self, error: CannotFork) -> None:
        assert self.template
        reason = self.template.last_words() or error
        message = f"steps start slower from now on, each with a new interpreter: {reason}"
        self.events.put(OutputLine({"level": "warning", "msg": message}))
        self.template = None
        self._close_report_template()

    def _task_for_this_machine(self, task: Task) -> Task:
        """The task, with the number of workers adapted to this machine; workers that wait for a server need no CPUs."""
        if task.limits.for_requests:
            return task
        stages = sum(job.processes_items and not job.finished for job in self._jobs.values())
        share = max(self.cpus // max(stages, 1), 1)
        limits = task.limits.replace(workers=min(task.limits.workers or share, share))
        return task.replace(limits=limits)

    def _handle_exit(self, exit_: ProcessExit) -> None:
        self.version += 1
        process, code = exit_.process, exit_.code
        process.kill()  # child processes that are still running
        job = self._jobs.get(process.job)
        if job is None or job.process is not process:
            return
        job.process = None
        job.body["status"]["active"] = 0
        report = process.report()
        shard, attempt = job.place(process.index)
        error = f"exit code {code}: {report or process.last_lines()}" if code else ""
        self.ran(StepRun(job.body, process.began, time.time_ns(), error, shard, attempt))
        if "deletionTimestamp" in job.body["metadata"]:
            del self._jobs[job.name]
        elif job.finished:
            pass
        elif code == 0:
            job.done.add(process.index)
            job.report = job.report if job.failed else report
            self._update_status(job)
        elif job.body["spec"].get("suspend"):
            job.todo.insert(0, process.index)
        else:
            self._handle_failure(job, process.index, code, report or job.report or process.last_lines())

    def _handle_failure(self, job: LocalJob, index: int, code: int, report: str) -> None:
        action = next(
            (
                rule["action"]
                for rule in job.body["spec"]["podFailurePolicy"]["rules"]
                if code in rule.get("onExitCodes", {}).get("values", ())
            ),
            "Count",
        )
        tries = job.tries[index] = job.tries.get(index, 0) + 1
        if action == "FailJob":
            job.report = report
            self._add_condition(job, "Failed", "PodFailurePolicy", f"pod of index {index} failed with exit code {code}")
        elif action == "FailIndex" or tries > job.body["spec"]["backoffLimitPerIndex"]:
            job.report = report
            job.failed.add(index)
            self._update_status(job)
        else:
            job.not_before[index] = time.monotonic() + self.retries.delay(tries)
            job.todo.append(index)

    def _update_status(self, job: LocalJob) -> None:
        status = job.body["status"]
        status["completedIndexes"] = format_ranges(job.done)
        status["failedIndexes"] = format_ranges(job.failed)
        status["succeeded"] = len(job.done)
        if len(job.failed) > job.body["spec"]["maxFailedIndexes"]:
            self._add_condition(job, "Failed", "MaxFailedIndexesExceeded", f"{len(job.failed)} indexes failed")
        elif len(job.done) + len(job.failed) == job.body["spec"]["completions"]:
            if job.failed:
                self._add_condition(job, "Failed", "FailedIndexes", f"{len(job.failed)} indexes failed")
            else:
                self._add_condition(job, "Complete", "CompletionsReached", "")

    def _add_condition(self, job: LocalJob, type_: str, reason: str, message: str) -> None:
        job.todo.clear()
        condition = {
            "type": type_, "status": "True", "reason": reason, "message": message, "lastTransitionTime": _timestamp()
        }  # fmt: skip
        job.body["status"]["conditions"] = [condition]


def _timestamp() -> str:
    return stamp(datetime.now(UTC))
