"""The part of Kubernetes' Job API that the planner relies on, in memory, over processes.

Indexed Jobs with retries per index, the podFailurePolicy's exit codes, maxFailedIndexes, suspend and deletion. One
process per Job at a time: a shard's own workers use the CPUs, shared among the stages at work.
"""

import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from reelmill.contract.backoff import Backoff
from reelmill.contract.ranges import format_ranges
from reelmill.contract.task import ENV, Step, Task
from reelmill.local.process import Events, OutputLine, Process, ProcessExit, spawn

RETRIES = Backoff(first=1.0, most=30.0)
"""Before an index is tried again."""


@dataclass(eq=False, slots=True)
class _Job:
    body: dict[str, Any]
    todo: list[int]
    task: Task
    tries: dict[int, int] = field(default_factory=dict)
    not_before: dict[int, float] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    process: Process | None = None
    report: str = ""

    @property
    def name(self) -> str:
        name: str = self.body["metadata"]["name"]
        return name

    @property
    def finished(self) -> bool:
        return bool(self.body["status"].get("conditions"))

    @property
    def ready(self) -> bool:
        idle = self.process is None and not self.finished and "deletionTimestamp" not in self.body["metadata"]
        return idle and not self.body["spec"].get("suspend")


class Jobs:
    """The Jobs of one run. Not for several threads."""

    def __init__(
        self,
        command: list[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        cpus: int,
        max_processes: int,
        retries: Backoff = RETRIES,
    ) -> None:
        self.command = command
        self.folder = folder
        self.environment = environment
        self.cpus = cpus
        self.max_processes = max_processes
        self.retries = retries
        self.events: Events = Events()
        self.version = 0
        """Rises whenever a process ends."""
        self._jobs: dict[str, _Job] = {}

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The Jobs as the API would show them."""
        return [copy.deepcopy(job.body) for job in self._jobs.values()]

    @property
    def reports(self) -> dict[str, str]:
        """Termination messages of finished Jobs."""
        return {name: job.report for name, job in self._jobs.items() if job.finished}

    @property
    def live(self) -> bool:
        """Some Job is not finished."""
        return any(not job.finished for job in self._jobs.values())

    def create(self, body: dict[str, Any]) -> None:
        """POST. A name that exists is left as it is (409: done already)."""
        body = copy.deepcopy(body)
        name = body["metadata"]["name"]
        if name in self._jobs:
            return
        (container,) = body["spec"]["template"]["spec"]["containers"]
        task = next(variable["value"] for variable in container["env"] if variable["name"] == ENV)
        body["status"] = {"active": 0}
        todo = list(range(body["spec"]["completions"]))
        self._jobs[name] = _Job(body, todo, Task.model_validate_json(task))

    def patch(self, name: str, patch: Mapping[str, Any]) -> None:
        """Merge-patch `spec`. A Job that is suspended lets its process stop and will begin that index anew."""
        if job := self._jobs.get(name):
            job.body["spec"].update(patch.get("spec", {}))
            if job.body["spec"].get("suspend") and job.process:
                job.process.terminate()

    def delete(self, name: str) -> None:
        """Delete; the Job is gone when its process is."""
        if job := self._jobs.get(name):
            if job.process is None:
                del self._jobs[name]
            else:
                job.body["metadata"]["deletionTimestamp"] = "now"
                job.process.terminate()

    def start(self) -> None:
        """Start what may start now, oldest Job first."""
        now = time.monotonic()
        for job in self._jobs.values():
            if sum(other.process is not None for other in self._jobs.values()) >= self.max_processes:
                return
            index = next((index for index in job.todo if job.not_before.get(index, 0.0) <= now), None)
            if job.ready and index is not None:
                job.todo.remove(index)
                self._spawn(job, index)

    def wait(self, seconds: float) -> Iterator[OutputLine]:
        """Yield log lines until a Job changes or the time is over."""
        end = min([time.monotonic() + seconds, *self._retries()])
        while True:
            try:
                happened = self.events.get(timeout=max(end - time.monotonic(), 0.0))
            except Empty:
                return
            if isinstance(happened, ProcessExit):
                self._ended(happened)
                return
            yield happened

    def close(self, grace: float) -> Iterator[OutputLine]:
        """End all processes: SIGTERM, then SIGKILL after `grace` seconds; yields their last lines."""
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

    def _retries(self) -> Iterator[float]:
        now = time.monotonic()
        for job in self._jobs.values():
            yield from (at for index, at in job.not_before.items() if at > now and index in job.todo and job.ready)

    def _spawn(self, job: _Job, index: int) -> None:
        job.process = spawn(
            self.command,
            job=job.name,
            index=index,
            task=self._here(job.task).model_dump_json(),
            folder=self.folder,
            environment=self.environment,
            events=self.events,
        )
        job.body["status"]["active"] = 1

    def _here(self, task: Task) -> Task:
        """The task with this machine's share of workers."""
        stages = sum(job.task.step is Step.SHARDS and not job.finished for job in self._jobs.values())
        share = max(self.cpus // max(stages, 1), 1)
        limits = task.limits.replace(workers=min(task.limits.workers or share, share))
        return task.replace(limits=limits)

    def _ended(self, exit_: ProcessExit) -> None:
        self.version += 1
        process, code = exit_.process, exit_.code
        process.kill()  # what it may have left behind
        job = self._jobs.get(process.job)
        if job is None or job.process is not process:
            return
        job.process = None
        job.body["status"]["active"] = 0
        report = process.report()
        if "deletionTimestamp" in job.body["metadata"]:
            del self._jobs[job.name]
        elif job.finished:
            pass
        elif code == 0:
            job.done.add(process.index)
            job.report = job.report if job.failed else report
            self._settle(job)
        elif job.body["spec"].get("suspend"):
            job.todo.insert(0, process.index)
        else:
            self._failed(job, process.index, code, report or job.report or process.last_lines())

    def _failed(self, job: _Job, index: int, code: int, report: str) -> None:
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
            self._finish(job, "Failed", "PodFailurePolicy", f"pod of index {index} failed with exit code {code}")
        elif action == "FailIndex" or tries > job.body["spec"]["backoffLimitPerIndex"]:
            job.report = report
            job.failed.add(index)
            self._settle(job)
        else:
            job.not_before[index] = time.monotonic() + self.retries.delay(tries)
            job.todo.append(index)

    def _settle(self, job: _Job) -> None:
        status = job.body["status"]
        status["completedIndexes"] = format_ranges(job.done)
        status["failedIndexes"] = format_ranges(job.failed)
        status["succeeded"] = len(job.done)
        if len(job.failed) > job.body["spec"]["maxFailedIndexes"]:
            self._finish(job, "Failed", "MaxFailedIndexesExceeded", f"{len(job.failed)} indexes failed")
        elif len(job.done) + len(job.failed) == job.body["spec"]["completions"]:
            if job.failed:
                self._finish(job, "Failed", "FailedIndexes", f"{len(job.failed)} indexes failed")
            else:
                self._finish(job, "Complete", "CompletionsReached", "")

    def _finish(self, job: _Job, type_: str, reason: str, message: str) -> None:
        job.todo.clear()
        condition = {"type": type_, "status": "True", "reason": reason, "message": message}
        job.body["status"]["conditions"] = [condition]
