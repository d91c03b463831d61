"""A simulated cluster with one pipeline for planner tests: Jobs advance one pod at a time, in any order.

The planner's view is delayed: `visible` is updated Job by Job (`deliver`), as by watches. Invariants are asserted: no
Job name is used twice, and no stage has two live Jobs.
"""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.status import Status
from reelmill.contract.task import ENV, Task
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.plan import CreateJob, DeleteJob, DeleteJobs, PatchJob, Plan, PlannerSettings, Snapshot, reconcile
from reelmill.plan.snapshot import stamp
from symbolic_stages import SymbolicStore

START = datetime(2026, 1, 1, tzinfo=UTC)


def pipeline(stages: list[dict[str, Any]], **spec: Any) -> VideoPipeline:
    """A pipeline over one source `raw`, unless the spec says otherwise."""
    return VideoPipeline.model_validate(
        {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": {"name": "demo", "namespace": "team"},
            "spec": {
                "store": {"uri": "s3://out/demo"},
                "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
                "stages": stages,
                **spec,
            },
        }
    )


@dataclass
class SimulatedCluster:
    pipeline: VideoPipeline
    store: SymbolicStore = field(default_factory=SymbolicStore)
    uid: str = "uid-1"
    annotations: dict[str, str] = field(default_factory=dict)
    status: Status = field(default_factory=Status)
    now: datetime = START
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    visible: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    posted: set[str] = field(default_factory=set)
    created: list[str] = field(default_factory=list)
    noticed: set[str] = field(default_factory=set)
    """Jobs that were visible to a plan that was applied."""
    tries: dict[tuple[str, int], int] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    """Job -> why its pods do not run."""
    settings: PlannerSettings = field(default_factory=PlannerSettings)

    def plan(self) -> Plan:
        snapshot = Snapshot(
            pipeline=self.pipeline,
            uid=self.uid,
            status=self.status,
            jobs=list(self.visible.values()),
            reports={name: text for name, text in self.reports.items() if name in self.visible},
            waiting=self.waiting,
            annotations=self.annotations,
            generation=1,
            created=START,
            settings=self.settings,
        )
        return reconcile(snapshot, self.now)

    def apply(self, plan: Plan, *, writes: int | None = None) -> None:
        """Apply a plan; with `writes`, crash after that many (the status is the first)."""
        left = 10**6 if writes is None else writes
        if left:
            # The API server sees the status as JSON.
            self.status = Status.model_validate_json(plan.status.model_dump_json())
        for action in plan.actions[: max(left - 1, 0)]:
            match action:
                case CreateJob(job):
                    self._create(job)
                case PatchJob(name, patch):
                    if name in self.jobs:
                        self.jobs[name]["spec"].update(patch["spec"])
                    self.deliver(name)
                case DeleteJob(name):
                    self.jobs.pop(name, None)
                    self.deliver(name)
                case DeleteJobs(jobs):
                    for name in jobs:
                        self.jobs.pop(name)
                        self.deliver(name)

    def reconcile(self) -> Plan:
        self.noticed |= set(self.visible)
        plan = self.plan()
        self.plans.append(plan)
        self.apply(plan)
        return plan

    def _create(self, body: dict[str, Any]) -> None:
        body = copy.deepcopy(body)
        name = body["metadata"]["name"]
        if name not in self.jobs:
            assert name not in self.posted, f"the name {name} was used before"
            stage = body["metadata"]["labels"].get("reelmill.dev/stage")
            others = [other for other in self.live() if stage and self._stage(other) == stage]
            assert not others, f"{name} was created while {others} still run"
            self.posted.add(name)
            self.now += timedelta(seconds=1)
            self.created.append(name)
            body["status"] = {}
            self.jobs[name] = body
        self.deliver(name)

    def _stage(self, name: str) -> str:
        stage: str = self.jobs[name]["metadata"]["labels"].get("reelmill.dev/stage", "")
        return stage

    def live(self) -> list[str]:
        return [name for name, job in self.jobs.items() if not job["status"].get("conditions")]

    def deliver(self, name: str) -> None:
        if name in self.jobs:
            self.visible[name] = copy.deepcopy(self.jobs[name])
        else:
            self.visible.pop(name, None)

    def deliver_all(self) -> None:
        for name in {*self.jobs, *self.visible}:
            self.deliver(name)

    @classmethod
    def in_three_steps(cls, pipeline: VideoPipeline, store: SymbolicStore) -> "SimulatedCluster":
        """A cluster whose stage images do not support follow-ups, so that each step of a pass is a separate Job."""
        store.follows_up = False
        return cls(pipeline, store)

    def task(self, name: str) -> Task:
        return Task.model_validate_json(self._variable(name, ENV))

    def _variable(self, job: str, name: str) -> str:
        (container,) = self.jobs[job]["spec"]["template"]["spec"]["containers"]
        return next((each["value"] for each in container["env"] if each["name"] == name), "")

    def advance(self, name: str) -> None:
        """Run the next pod of a Job to its end."""
        job = self.jobs[name]
        spec, status = job["spec"], job["status"]
        if spec["suspend"]:
            return
        done = set(parse_ranges(status.get("completedIndexes", "")))
        failed = set(parse_ranges(status.get("failedIndexes", "")))
        index = next(i for i in range(spec["completions"]) if i not in done | failed)
        code, report = self.store.execute(self.task(name), index, self._variable(name, NEXT_ENV))
        if code == 0:
            done.add(index)
        if code or not failed:
            self.reports[name] = report
        tries = self.tries[name, index] = self.tries.get((name, index), 0) + (code != 0)
        if code in (64, 76):
            self._end(name, "Failed", f"Container reelmill failed with exit code {code} matching FailJob rule")
        elif code == 65 or tries > spec["backoffLimitPerIndex"]:
            failed.add(index)
        status["completedIndexes"], status["failedIndexes"] = format_ranges(done), format_ranges(failed)
        if len(failed) > spec["maxFailedIndexes"]:
            self._end(name, "Failed", "max failed indexes exceeded")
        elif len(done | failed) == spec["completions"]:
            self._end(name, "Failed" if failed else "Complete", "")

    def _end(self, name: str, type_: str, message: str) -> None:
        ended = {"type": type_, "status": "True", "message": message, "lastTransitionTime": stamp(self.now)}
        self.jobs[name]["status"]["conditions"] = [ended]

    def settle(self, limit: int = 400) -> None:
        """Deliver all events and run all pods until there is no more work."""
        for _ in range(limit):
            self.deliver_all()
            plan = self.reconcile()
            live = [name for name in self.live() if not self.jobs[name]["spec"]["suspend"]]
            for name in live:
                self.advance(name)
            if plan.actions or live:
                continue
            if not self.status.holds("Reconciling"):
                return
            self.now += timedelta(seconds=plan.wake_after or 1)
        raise AssertionError(f"no end: {self.status.conditions}")

    def edit(self, **spec: Any) -> None:
        """Change fields of the spec."""
        body = self.pipeline.model_dump(mode="json", by_alias=True, exclude_none=True)
        body["spec"].update(spec)
        self.pipeline = VideoPipeline.model_validate(body)

    def edit_stage(self, name: str, **fields: Any) -> None:
        """Change fields of a stage."""
        body = self.pipeline.model_dump(mode="json", by_alias=True, exclude_none=True)
        for stage in body["spec"]["stages"]:
            if stage["name"] == name:
                stage.update(fields)
        self.pipeline = VideoPipeline.model_validate(body)
