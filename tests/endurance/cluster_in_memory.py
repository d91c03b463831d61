"""Job controller, kubelets and garbage collector for an API server in memory: Jobs advance pod by pod.

Violations of the rules for Jobs are recorded in `problems`.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from endurance.api_in_memory import ApiInMemory, Place
from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.task import ENV, Step, Task
from reelmill.contract.task_parts.follow_up import ENV as NEXT_ENV
from reelmill.controller.observe.snapshots import read_spec
from reelmill.plan.jobs.build import MANAGED_BY, UID
from symbolic_stages import SymbolicStore

Json = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
STAGE, STEP = "reelmill.dev/stage", "reelmill.dev/step"
KEY, PLACE = "reelmill.dev/key", "reelmill.dev/place"


class ClusterInMemory:
    """A clock, an API server, Jobs and one symbolic store."""

    def __init__(self, store: SymbolicStore, chance: random.Random) -> None:
        self.seconds = 0.0
        self.store, self.chance = store, chance
        self.api = ApiInMemory(self.stamp)
        self.api.pods = self._pods
        self.api.watchers.append(self._check)
        self.api.deleting = self._check_deletion
        self.problems: list[str] = []
        self.repeated: list[str] = []
        """Jobs that were created for shards whose pods had succeeded."""
        self.deleted_by_user: set[str] = set()
        """Names of Jobs that a user deleted. The operator creates those again that it had not seen yet."""
        self.opened: Counter[tuple[str, str, int]] = Counter()
        """Stage, key and segment -> number of passes started by an open step."""
        self.on_late: Callable[[], None] = lambda: None
        """Called when the status of a failed Job changes again."""
        self._ended: dict[str, list[Json]] = {}
        self._done: dict[tuple[str, str, int], set[int]] = {}
        """Stage, key and segment -> shards whose pods succeeded."""
        self._tries: Counter[tuple[str, int]] = Counter()
        self._finished: dict[str, float] = {}
        self._names: Counter[str] = Counter()
        self._uids: set[str] = set()
        self.label_change: tuple[str, str | None] = (MANAGED_BY, None)
        """The label that `unlabel_running_job` changes, and its new value; None: it is removed."""

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def jobs(self) -> list[Place]:
        """Jobs that may have pods."""
        return [
            place
            for place, job in self.api.objects.items()
            if place[0] == "jobs" and not _finished(job) and not job["spec"].get("suspend")
        ]

    def at_work(self) -> bool:
        """Whether a stage has a Job whose pods have not all ended."""
        return any(_labels(self.api.objects[place]).get(STAGE) for place in self.jobs())

    def busy(self) -> bool:
        """Whether Jobs have work, or objects must be deleted."""
        return bool(self.jobs()) or any(
            job["metadata"].get("deletionTimestamp") for place, job in self.api.objects.items() if place[0] == "jobs"
        )

    def advance(self) -> None:
        """End one pod, or run the garbage collector."""
        self.collect()
        if jobs := [place for place in self.jobs() if not self.api.objects[place]["metadata"].get("deletionTimestamp")]:
            self._pod(self.chance.choice(jobs))

    def delete_running_job(self) -> bool:
        """Delete a running Job with its pods, as a user does; returns whether there was one."""
        jobs = self.jobs()
        if jobs:
            place = self.chance.choice(jobs)
            self.deleted_by_user.add(place[2])
            self.api.drop(place)
        return bool(jobs)

    def unlabel_running_job(self) -> None:
        """Remove or change a label of a running Job, as a user does."""
        name, value = self.label_change
        jobs = [place for place in self.jobs() if name in self.api.objects[place]["metadata"]["labels"]]
        if jobs:
            self.api.patch(self.chance.choice(jobs), {"metadata": {"labels": {name: value}}})

    def collect(self) -> None:
        """Remove Jobs that are deleted, whose pipeline was deleted, or whose ttl is over."""
        pipelines = {each["metadata"]["uid"] for place, each in self.api.objects.items() if place[0] != "jobs"}
        for place, job in [each for each in self.api.objects.items() if each[0][0] == "jobs"]:
            owners = {owner["uid"] for owner in job["metadata"].get("ownerReferences", ())}
            ttl = job["spec"].get("ttlSecondsAfterFinished")
            over = place[2] in self._finished and ttl is not None and self.seconds > self._finished[place[2]] + ttl
            if job["metadata"].get("deletionTimestamp") or (owners and not owners & pipelines) or over:
                self.api.drop(place)

    def task(self, job: Json) -> tuple[Task, str]:
        """The task of a Job's pods, and their follow-up (empty: none)."""
        (container,) = job["spec"]["template"]["spec"]["containers"]
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        return Task.model_validate_json(given[ENV]), given.get(NEXT_ENV, "")

    def _pod(self, place: Place) -> None:
        job, name = self.api.objects[place], place[2]
        spec, status = job["spec"], {"startTime": self.stamp(), **(job.get("status") or {})}
        done, failed = (set(parse_ranges(status.get(f"{word}Indexes", ""))) for word in ("completed", "failed"))
        index = self.chance.choice([each for each in range(spec["completions"]) if each not in done | failed])
        before = self._passes()
        task, follow_up = self.task(job)
        code, report = self.store.execute(task, index, follow_up)
        for stage, passes in self._passes().items():
            self.opened.update((*stage, segment + 1) for segment in range(before.get(stage, 0), passes))
        self._ended.setdefault(name, []).append(self._pod_of(name, code, report))
        if code == 0:
            done.add(index)
        else:
            self._tries[name, index] += 1
        status |= {"active": 0, "ready": 0, "completedIndexes": format_ranges(done)}
        end = ""
        if code in (64, 76):
            end = f"Container reelmill failed with exit code {code} matching FailJob rule"
            self._end(status, "Failed", end)
        elif code == 65 or self._tries[name, index] > spec["backoffLimitPerIndex"]:
            failed.add(index)
        status["failedIndexes"] = format_ranges(failed)
        if not end and len(failed) > spec["maxFailedIndexes"]:
            self._end(status, "Failed", "max failed indexes exceeded")
        elif not end and len(done | failed) == spec["completions"]:
            self._end(status, "Failed" if failed else "Complete", "")
        if status.get("conditions"):
            self._finished[name] = self.seconds
        self._note_done(task, code, index)
        self.api.set_status(place, status)
        left = [each for each in range(spec["completions"]) if each not in done | failed]
        if status.get("conditions") and left and self.chance.random() < 0.5:
            self._late(place, task, self.chance.choice(left), {**status, "completedIndexes": ""}, done)

    def _late(self, place: Place, task: Task, index: int, status: Json, done: set[int]) -> None:
        """Let another running pod of a failed Job succeed, which changes the Job's status again."""
        exits, self.store.exits = self.store.exits, {}
        code, _ = self.store.execute(task, index)
        self.store.exits = exits
        if code == 0:
            self._note_done(task, code, index)
            status["completedIndexes"] = format_ranges(done | {index})
            self.api.set_status(place, status)
            self.on_late()

    def _note_done(self, task: Task, code: int, index: int) -> None:
        if code == 0 and task.step is Step.SHARDS:
            place = task.stage.name, task.stage.key, task.segment
            self._done.setdefault(place, set()).add(_shards(task, index + 1)[index])

    def _passes(self) -> dict[tuple[str, str], int]:
        """Stage and key -> number of passes ever opened."""
        return {place: len(data.closed) + (data.open is not None) for place, data in self.store.stages.items()}

    def _end(self, status: Json, type_: str, message: str) -> None:
        stamp = self.stamp()
        status["conditions"] = [{"type": type_, "status": "True", "message": message, "lastTransitionTime": stamp}]

    def _pod_of(self, job: str, code: int, report: str) -> Json:
        ended = {"exitCode": code, "message": report, "finishedAt": f"{len(self._ended.get(job, [])):09d}"}
        return {
            "metadata": {"name": f"{job}-{len(self._ended.get(job, []))}"},
            "status": {
                "phase": "Failed" if code else "Succeeded",
                "containerStatuses": [{"name": "reelmill", "state": {"terminated": ended}}],
            },
        }

    def _pods(self, namespace: str, job: str, phase: str) -> list[Json]:
        return [pod for pod in self._ended.get(job, []) if pod["status"]["phase"] == phase][:20]

    def _check(self, plural: str, type_: str, job: Json) -> None:
        if plural != "jobs" or type_ != "ADDED":
            return
        name, stage = job["metadata"]["name"], _labels(job).get(STAGE)
        if job["metadata"]["uid"] in self._uids:
            # Its label was restored.
            return
        self._uids.add(job["metadata"]["uid"])
        self._names[name] += 1
        if self._names[name] > 1 and name not in self.deleted_by_user:
            self.problems.append(f"the Job name {name} was used before")
        task, _ = self.task(job)
        if task.step is Step.SHARDS:
            done = self._done.get((task.stage.name, task.stage.key, task.segment), set())
            if again := done.intersection(_shards(task, job["spec"]["completions"])):
                self.repeated.append(f"{name} has the shards {format_ranges(again)}, which are done")
        others = [
            other["metadata"]["name"]
            for place, other in self.api.objects.items()
            if place[0] == "jobs" and place[2] != name and not _finished(other) and _pipeline(other) == _pipeline(job)
        ]
        same = [other for other in others if stage and self._stage(other) == stage]
        if same:
            self.problems.append(f"{name} was created while {', '.join(same)} was not finished")

    def _check_deletion(self, place: Place) -> None:
        """Check that a running Job is deleted only if the current spec has another key for its stage, or stops it."""
        if place[0] != "jobs" or _finished(job := self.api.objects[place]):
            return
        labels = _labels(job)
        pipeline = next(each for at, each in self.api.objects.items() if at[0] == "videopipelines")
        definition = read_spec(pipeline).definition
        if pipeline["metadata"].get("deletionTimestamp") or definition is None or STAGE not in labels:
            return
        stage = labels[STAGE]
        wanted = definition.keys[stage][:10] if stage in definition.graph.stages else ""
        if labels[KEY] == wanted and labels[PLACE] == definition.keys.place[:10]:
            self.problems.append(f"{place[2]} was deleted while it did what the spec says")

    def _stage(self, name: str) -> str:
        found = next(job for place, job in self.api.objects.items() if place[0] == "jobs" and place[2] == name)
        return str(_labels(found).get(STAGE, ""))


def _shards(task: Task, count: int) -> list[int]:
    return list(parse_ranges(task.shard_map)) if task.shard_map else list(range(count))


def _pipeline(job: Json) -> str:
    """UID of the pipeline to which a Job belongs."""
    return str(_labels(job).get(UID, ""))


def _labels(job: Json) -> Json:
    """The labels with which a Job was created."""
    labels: Json = job["spec"]["template"]["metadata"]["labels"]
    return labels


def _finished(job: Json) -> bool:
    return bool((job.get("status") or {}).get("conditions"))
