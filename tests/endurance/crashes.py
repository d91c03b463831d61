"""Crash points of the operator: with any fault in its reads and writes, the result is that of an undisturbed run.

Pipelines are generated: a graph of stages, videos, waves, failures, growth and edits while they run, and their
deletion. The operator's code runs on an API server in memory; each fault is one crash point. The expected result is
computed from the generated pipeline alone.
"""

import asyncio
import random
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from endurance.api_in_memory import ApiInMemory, Place
from endurance.cluster_in_memory import ClusterInMemory
from endurance.operator_in_memory import OperatorInMemory
from endurance.request_faults import Faults, possible
from endurance.spec_edits import EDITS, edit_stages
from reelmill.plan import PlannerSettings
from symbolic_stages import SymbolicStore

Json = dict[str, Any]
PIPELINE: Place = ("videopipelines", "team", "demo")
BLOCKS: dict[str, Json] = {"clips": {"clip": {"by": "length"}}, "samples": {"frames": {}}, "tars": {"pack": {}}}
DEEDS = (
    "grow",
    "suspend",
    "parallelism",
    "view",
    "touch",
    "cut",
    "rerun",
    "undo",
    "flip",
    "move",
    "kill",
    "replace",
    "unlabel",
    *EDITS,
)
RESTARTING = {"rerun", "flip", "move", "kill", "replace", *EDITS}
"""Actions that stop running work, so that its steps are started again."""
STEPS = 8_000


@dataclass
class Case:
    """A generated pipeline and the events during its run."""

    videos: int
    stages: list[Json]
    spec: Json
    failing: dict[tuple[str, str], int]
    """Stage and item -> number of failing tries."""
    exits: dict[tuple[str, str], list[int]]
    deeds: list[tuple[int, str]]
    """(number of steps, user action after them)."""
    removed: int
    """Maximum number of steps after which it is deleted with its data; 0: never."""


def generate(chance: random.Random) -> Case:
    """A pipeline of one to four stages."""
    names = list(BLOCKS)[: chance.randint(1, 3)]
    stages: list[Json] = []
    for number, name in enumerate(names):
        above = [chance.choice(["raw", "clips"] if number else ["raw"])]
        if name == "tars" and chance.random() < 0.5:
            above = ["raw", "clips"]
        failures: Json = {"tolerate": "100%", "attempts": chance.choice([3, 5])}
        if chance.random() < 0.4:
            failures["retryItems"] = {"classes": ["decode"], "times": chance.randint(1, 2)}
        if chance.random() < 0.7:
            failures["retriesPerShard"] = 0
        shards = {"shards": chance.choice([1, 1, 2, 4, 6]), "parallelism": chance.choice([1, 1, 2, 4])}
        stages.append({"name": name, "from": above, **BLOCKS[name], "failures": failures, **shards})
    if "tars" in names and chance.random() < 0.5:
        stages.append({"name": "index", "from": ["tars"], "index": {}, "failures": {"tolerate": "100%"}})
    videos = chance.choice([0, 1, 2, 4, 6, 10])
    deeds = [(chance.randint(5, 150), chance.choice(DEEDS)) for _ in range(chance.randint(0, 4))]
    deeds += [(at + chance.randint(5, 60), "resume") for at, deed in deeds if deed == "suspend"]
    if chance.random() < 0.2:
        deeds.append((chance.randint(5, 60), "flip"))
    again = any(deed == "rerun" or deed in EDITS for _, deed in deeds)
    failing = {
        (chance.choice(names), f"raw/v{chance.randrange(videos)}"): 99 if again else chance.choice([1, 99])
        for _ in range(chance.choice([0, 0, 1, 2]) if videos else 0)
    }
    exits = {}
    if chance.random() < 0.7:
        step, code = chance.choice(["open", "shards", "shards", "shards", "commit"]), chance.choice([70, 75])
        stage = chance.choice(stages[: len(names)])
        # Consecutive failures make an index of shards fail, and with it the Job; a later attempt runs the others.
        most = stage["failures"]["attempts"] - 1 if step == "shards" else 1
        exits[stage["name"], step] = [code] * chance.randint(1, most)
    elif chance.random() < 0.7:
        # More indexes fail than the Job allows, while others remain: it fails with running pods.
        videos, stage = max(videos, 6), stages[0]
        stage |= {"shards": 6, "parallelism": 1, "failures": {**stage["failures"], "attempts": 5, "retriesPerShard": 0}}
        exits[stage["name"], "shards"] = [70] * (2 * chance.randint(1, 4))
    spec: Json = {"waves": chance.choice([1, 1, 2, 3]), "ttl": {"succeeded": chance.choice(["0s", "30s", "1h"])}}
    if chance.random() < 0.3:
        spec["refresh"] = chance.choice(["1h", "24h"])
    if chance.random() < 0.3:
        spec["limits"] = {"maxActiveStages": chance.randint(1, 2)}
    removed = chance.choice([0, 0, 0, chance.randint(10, 200), STEPS])
    spec["onDelete"] = "Delete" if removed else "Keep"
    return Case(videos, stages, spec, failing, exits, sorted(deeds), removed)


class Run:
    """One case with faults."""

    def __init__(self, case: Case, seed: str, period: int, struck: Counter[tuple[str, str]]) -> None:
        self.case, self.chance = case, random.Random(seed)
        store = SymbolicStore(bucket={"raw": [f"v{number}" for number in range(case.videos)]})
        store.failing = {place: ["decode"] * tries for place, tries in case.failing.items()}
        store.exits = {place: list(codes) for place, codes in case.exits.items()}
        self.cluster = ClusterInMemory(store, self.chance)
        self.faults = Faults(self.api, self.chance, period, struck)
        pods = random.Random(f"{seed}-pods")
        # All, some or no passes in one pod; images without support for follow-ups.
        settings = PlannerSettings(whole_items=pods.choice([1000, 1000, 3, 0]))
        store.follows_up = pods.random() < 0.85
        self.operator = OperatorInMemory(self.cluster, self.faults, self.chance, settings)
        self.faults.meanwhile = self._meanwhile
        self.cluster.on_late = self.operator.hold_last
        self.refreshes = self.reruns = self.replaced = self.killed = self.edits = 0

    @property
    def api(self) -> ApiInMemory:
        return self.cluster.api

    @property
    def restarts(self) -> int:
        """How often a user may have caused an item to be worked on again."""
        return self.reruns + self.killed + self.replaced + self.edits

    @property
    def status(self) -> Json:
        found: Json = self.api.objects[PIPELINE].get("status") or {}
        return found

    async def go(self) -> list[str]:
        """Run to the end; returns the problems found."""
        self.begin()
        deeds = list(self.case.deeds)
        for step in range(STEPS):
            while deeds and deeds[0][0] <= step and self._may(deeds[0][1]):
                self._do(deeds.pop(0)[1])
            if self.case.removed and step >= self.case.removed:
                return [problem async for problem in self._removal()]
            if not deeds and self._complete() and self.operator.settled and not self.cluster.busy():
                break
            await self.step()
        else:
            conditions = {
                each["type"]: each["message"]
                for each in self.status.get("conditions") or ()
                if each["status"] == "True"
            }
            return [f"no end after {STEPS} steps: {conditions}"]
        self.faults.calm = True
        wrong = [*self.cluster.problems, *self._recount()]
        if not wrong:
            wrong += [problem async for problem in self._rest()]
        if not wrong and self.case.removed:
            self.faults.calm = False
            wrong += [problem async for problem in self._removal()]
        return wrong

    def begin(self) -> None:
        """Create the pipeline."""
        body = {"apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "metadata": {"name": "demo"}}
        sources = [{"name": "raw", "files": {"uri": "s3://in/videos/"}}]
        spec = {"store": {"uri": "s3://out/demo"}, "sources": sources, "stages": self.case.stages, **self.case.spec}
        self.api.create("videopipelines", "team", {**body, "spec": spec})

    async def step(self) -> None:
        """One event of the cluster, or one action of the operator."""
        if self.faults.undisturbed and self.operator.due <= 0:
            await self.operator.step()
            return
        self.faults.undisturbed = 0
        draw = self.chance.random()
        if draw < 0.35:
            self.operator.deliver()
        elif draw < 0.65 and self.cluster.busy():
            self.cluster.advance()
        elif self.operator.due <= 0:
            await self.operator.step()
        elif not self.cluster.busy():
            self.cluster.seconds += min(self.operator.due, 60.0) + 0.1
            self.cluster.collect()

    def _meanwhile(self) -> None:
        draw = self.chance.random()
        if draw < 0.1 and self.cluster.busy():
            self.cluster.advance()
        elif draw < 0.2:
            self.operator.deliver()

    def _complete(self) -> bool:
        found = self.api.objects[PIPELINE]
        generation = found["metadata"]["generation"]
        conditions = {each["type"]: each for each in self.status.get("conditions") or ()}
        complete, work = conditions.get("Complete"), conditions.get("Reconciling")
        handled = (self.status.get("handled") or {}).get("refresh", "") == self._annotation("refresh")
        is_current = complete and complete["status"] == "True" and complete["observedGeneration"] == generation
        return bool(is_current and handled and not (work and work["status"] == "True"))

    def _annotation(self, word: str) -> str:
        annotations = self.api.objects[PIPELINE]["metadata"].get("annotations") or {}
        return str(annotations.get(f"reelmill.dev/{word}", ""))

    def _may(self, deed: str) -> bool:
        """Whether an action can be done now; some actions require a running Job."""
        rests = self.api.objects[PIPELINE]["spec"].get("suspend") or (self._complete() and not self.cluster.busy())
        return deed != "flip" or bool(rests) or self.cluster.at_work()

    def _do(self, deed: str) -> None:
        match deed:
            case "grow":
                bucket = self.cluster.store.bucket["raw"]
                bucket += [f"v{len(bucket)}", f"v{len(bucket) + 1}"]
                self.refreshes += 1
                token = f"grow-{self.refreshes}"
                self.api.patch(PIPELINE, {"metadata": {"annotations": {"reelmill.dev/refresh": token}}})
            case "suspend" | "resume":
                self.api.patch(PIPELINE, {"spec": {"suspend": deed == "suspend"}})
            case "parallelism" | "view":
                stages = [dict(stage) for stage in self.api.objects[PIPELINE]["spec"]["stages"]]
                one = self.chance.choice(stages)
                if deed == "parallelism":
                    one["parallelism"] = self.chance.randint(1, 4)
                elif "frames" in one:
                    one["view"] = {"split": {"seed": self.chance.randint(1, 9)}}
                self.api.patch(PIPELINE, {"spec": {"stages": stages}})
            case "rerun":
                stages = [dict(stage) for stage in self.api.objects[PIPELINE]["spec"]["stages"]]
                self.reruns += 1
                self.chance.choice(stages)["rerun"] = str(self.reruns)
                self.api.patch(PIPELINE, {"spec": {"stages": stages}})
            case "undo":
                # Only watches deliver the edit: reads return the spec before it.
                stages = self.api.objects[PIPELINE]["spec"]["stages"]
                edited = [{**stage, "rerun": "undone"} for stage in stages]
                self.api.patch(PIPELINE, {"spec": {"stages": edited}})
                self.api.patch(PIPELINE, {"spec": {"stages": stages}})
            case "flip" if not self.faults.ambush:
                # The operator records the edit, is killed before it acts on it, and lists an old state.
                stages = self.api.objects[PIPELINE]["spec"]["stages"]
                edited = [{**stage, "rerun": "flipped"} for stage in stages]
                self.api.patch(PIPELINE, {"spec": {"stages": edited}})
                self.faults.ambush = lambda: self._flip_back(stages)
            case "move":
                endpoint = f"http://s3-{self.chance.randint(1, 9)}"
                self.api.patch(PIPELINE, {"spec": {"store": {"endpoint": endpoint}}})
            case "kill":
                self.killed += self.cluster.delete_running_job()
            case _ if deed in EDITS:
                stages = edit_stages(self.api.objects[PIPELINE]["spec"]["stages"], deed, self.chance)
                self.api.patch(PIPELINE, {"spec": {"stages": stages}})
                self.edits += 1
            case "unlabel":
                self.cluster.unlabel_running_job()
            case "replace" if not self.case.removed:
                # A user deletes the pipeline, keeps its data, and creates it again under the same name.
                spec = self.api.objects[PIPELINE]["spec"]
                body = {name: self.api.objects[PIPELINE][name] for name in ("apiVersion", "kind")}
                self.api.drop(PIPELINE)
                self.api.create("videopipelines", "team", {**body, "metadata": {"name": "demo"}, "spec": spec})
                self.replaced += 1
            case "touch":
                self.api.touch(PIPELINE)
            case "cut":
                self.operator.cut()

    def _flip_back(self, stages: list[Json]) -> None:
        if PIPELINE in self.api.objects:
            self.api.patch(PIPELINE, {"spec": {"stages": stages}})

    def _recount(self) -> Iterator[str]:
        """Check the result against the case."""
        wanted = self._wanted()
        stage_statuses = {stage["name"]: stage for stage in self.status["stages"]}
        for name, rows in wanted.items():
            data = self.cluster.store.stages.get((name, stage_statuses[name]["key"]))
            found = data.effective if data else {}
            if found != rows:
                yield f"{name}: {found} instead of {rows}"
            counts = Counter(outcome.partition(":")[0] for outcome in rows.values())
            totals = {word: counts[word] for word in ("done", "filtered", "failed", "skipped")}
            totals["in"] = counts.total()
            said = {word: stage_statuses[name].get("totals", {}).get(word, 0) for word in totals}
            if said != totals:
                yield f"the status of {name} says {said}, counted {totals}"
            segments = len(data.closed) if data else 0
            if stage_statuses[name].get("segments", 0) != segments:
                yield f"the status of {name} says {stage_statuses[name].get('segments')} segments, counted {segments}"
            worked = {key: self.cluster.store.tried[f"{name}/{key}"] for key in rows}
            allowed = {key: 1 + self.restarts + self.case.failing.get((name, key), 0) for key in rows}
            if again := {key: tries for key, tries in worked.items() if not 1 <= tries <= allowed[key]}:
                yield f"{name}: worked on {again}"
        yield from (
            f"pass {place} was opened {count} times" for place, count in self.cluster.opened.items() if count > 1
        )
        if not RESTARTING.intersection(deed for _, deed in self.case.deeds):
            yield from self._jobs()
            if not self.faults.here["pods gone"]:
                yield from self.cluster.repeated

    def _wanted(self) -> dict[str, dict[str, str]]:
        """Expected effective outcomes: stage -> input -> outcome."""
        items = {"raw": list(self.cluster.store.bucket["raw"])}
        wanted: dict[str, dict[str, str]] = {}
        for stage in self.api.objects[PIPELINE]["spec"]["stages"]:
            name = stage["name"]
            keys = [f"{above}/{key}" for above in stage["from"] for key in items[above]]
            times = stage["failures"].get("retryItems", {}).get("times", 0)
            fails = {key for key in keys if self.case.failing.get((name, key), 0) > (times and 1)}
            wanted[name] = {key: "failed:decode" if key in fails else "done" for key in keys}
            items[name] = [key for key in keys if key not in fails]
        return wanted

    def _jobs(self) -> Iterator[str]:
        """Check that each step of each pass has one Job, or more only if a step failed or its report was lost."""
        made: Counter[tuple[str, ...]] = Counter()
        for job in self.api.posted:
            labels = job["metadata"]["labels"]
            words = ("stage", "step", "key", "segment", "attempt")
            made[tuple(labels.get(f"reelmill.dev/{word}", "") for word in words)] += 1
        excused = self.faults.here["pods gone"] + sum(map(len, self.case.exits.values()))
        surveys = made.pop(next((place for place in made if place[1] == "survey"), ("",)), 0)
        again = {place: count for place, count in made.items() if count > 1 and place[1] != "commit"}
        extra = sum(count - 1 for count in again.values())
        if extra > excused:
            yield f"{extra} Jobs too many: {again}"
        routine = self.cluster.seconds / 3600 if "refresh" in self.case.spec else 0
        if surveys > 1 + self.refreshes + excused + routine + len(self.case.deeds):
            yield f"{surveys} surveys"

    async def _rest(self) -> Any:
        """Check that nothing is written at rest; the first list is ignored: the previous one may be outdated."""
        before = self.api.version
        for number in range(4):
            before = self.api.version if number == 1 else before
            self.operator.cut()
            for _ in range(20):
                self.operator.deliver()
                await self.operator.step()
        if self.api.version != before and not self.case.spec.get("refresh"):
            yield f"{self.api.version - before} writes at rest"

    async def _removal(self) -> Any:
        """Check that deletion removes the data once, and then the pipeline."""
        self.api.patch(PIPELINE, {"spec": {"suspend": False}})
        self.api.delete(PIPELINE, {})
        for _ in range(STEPS):
            if PIPELINE not in self.api.objects:
                break
            await self.step()
        else:
            yield f"it does not go: {self.api.objects[PIPELINE]['metadata']}"
        self.faults.calm = True
        if self.cluster.store.stages:
            yield "its data are still there"
        removals = [job for job in self.api.posted if job["metadata"]["labels"]["reelmill.dev/step"] == "remove"]
        if len(removals) > 1 + self.faults.here["pods gone"]:
            yield f"{len(removals)} removal Jobs"
        for problem in self.cluster.problems:
            yield problem


def run(count: int, seed: int, first: int) -> int:
    """Run cases until `count` crash points are reached; returns the exit code."""
    struck: Counter[tuple[str, str]] = Counter()
    number, problems, lives = first, 0, 0
    while struck.total() < count:
        found, one = case(seed, number, struck)
        lives += one.operator.lives
        for problem in found:
            problems += 1
            print(f"PROBLEM in case {number} of seed {seed}: {problem}", flush=True)
        if number % 50 == 0:
            print(
                f"{number - first + 1} pipelines, {struck.total()} of {count} crash points, {problems} problems",
                flush=True,
            )
        number += 1
    made = number - first
    print(f"\n{made} pipelines, {struck.total()} crash points, {lives} operators, {problems} problems; seed {seed}")
    print(f"go on with --first {number}\n\n{table(struck)}")
    return int(bool(problems))


def case(seed: int, number: int, struck: Counter[tuple[str, str]]) -> tuple[list[str], Run]:
    """One case by its number."""
    chance = random.Random(f"{seed}-{number}")
    period = chance.choice([2, 3, 5, 8, 13])
    one = Run(generate(chance), f"{seed}-{number}-run", period, struck)
    try:
        return asyncio.run(one.go()), one
    except Exception:
        return [traceback.format_exc()], one


def table(struck: Counter[tuple[str, str]]) -> str:
    """A table of the number of faults by kind of request."""
    sorts = sorted({sort for sort, _ in struck})
    lines = []
    for sort in sorts:
        hits = ", ".join(f"{kind} {struck[sort, kind]}" for kind in possible(sort))
        lines.append(f"{sort:34} {sum(struck[sort, kind] for kind in possible(sort)):6}  {hits}")
    return "\n".join(lines)
