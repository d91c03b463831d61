"""Symbolic execution of steps on a store of names instead of files, so that planning can be tested without media.

`SymbolicStore.execute` does the work of a pod: it takes a Task and an index and returns an exit code and a report. It
follows the rules of the real steps: a pass is opened once, a shard's first commit counts, a closed pass never changes.
"""

from collections import Counter
from dataclasses import dataclass, field

from reelmill.contract.digest import view_fingerprint
from reelmill.contract.errors import ExitCode
from reelmill.contract.ranges import format_ranges, parse_ranges
from reelmill.contract.records.segment import Counts
from reelmill.contract.records.usage import Usage
from reelmill.contract.task import (
    STAGELESS,
    CommitReport,
    Failure,
    OpenPass,
    OpenReport,
    RemoveReport,
    SourceReport,
    StageReport,
    Step,
    SurveyReport,
    Task,
)
from reelmill.contract.task_parts.follow_up import FollowUp, NextStage
from reelmill.contract.task_parts.next_pass import NextPass, last_to_cover
from reelmill.contract.task_parts.tolerance import over_tolerance
from reelmill.contract.task_parts.verification import VerifyReport

Result = tuple[int, str]


@dataclass
class OpenedPass:
    kind: str
    covers: dict[str, int]
    shards: list[list[str]]
    owner: str
    outcomes: dict[int, dict[str, str]] = field(default_factory=dict)


@dataclass
class Closed:
    kind: str
    state: str
    coverage: dict[str, int]
    outcomes: dict[str, str]


@dataclass
class DataSet:
    closed: list[Closed] = field(default_factory=list)
    open: OpenedPass | None = None
    view: str = ""

    @property
    def coverage(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for segment in self.closed:
            found.update(segment.coverage)
        return found

    @property
    def effective(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for segment in self.closed:
            found.update(segment.outcomes)
        return found

    @property
    def totals(self) -> Counts:
        outcomes = Counter(outcome.partition(":")[0] for outcome in self.effective.values())
        return Counts(in_=sum(outcomes.values()), **outcomes)

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(outcome for outcome in self.effective.values() if outcome != "done").most_common(5))

    @property
    def retries(self) -> int:
        kinds = [segment.kind for segment in self.closed if segment.state == "committed"]
        return next((number for number, kind in enumerate(reversed(kinds)) if kind == "cover"), 0)

    def items(self, last: int, first: int = 1) -> list[str]:
        return [
            key
            for segment in self.closed[first - 1 : last]
            for key, outcome in segment.outcomes.items()
            if outcome == "done"
        ]


@dataclass
class SymbolicStore:
    bucket: dict[str, list[str]] = field(default_factory=dict)
    """Source name -> keys that a listing finds."""
    failed_rows: dict[str, int] = field(default_factory=dict)
    """Source name -> number of rows that are not valid items."""
    failing: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(stage, key) -> the failure class of each failing try, in order; later tries succeed."""
    exits: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """(stage or "", step) -> exit codes of the next tries; with 0, and after them, the step succeeds."""
    sources: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    stages: dict[tuple[str, str], DataSet] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    """Keys of objects that a verification finds damaged."""
    foreign: set[str] = field(default_factory=set)
    """Stages whose open pass is reported as run by another pipeline."""
    usage: Usage | None = None
    """Reported usage of each stage with a segment; None, as in reports of version 0.1.0."""
    follows_up: bool = True
    """Whether the stage images support follow-ups; those of version 0.1.0 do not."""
    closes: bool = True
    """Whether the last shard closes its pass; images without support leave it to a commit step."""
    tried: Counter[str] = field(default_factory=Counter)
    """`stage/key` -> number of tries."""

    def execute(self, task: Task, index: int, follow_up: str = "") -> Result:
        """Do the work of a pod with this task, index and follow-up (empty: none)."""
        after = FollowUp.model_validate_json(follow_up) if follow_up and self.follows_up else None
        name = task.stages[0].name if task.step not in STAGELESS else ""
        codes = self.exits.get((name, task.step.value))
        if codes and (code := codes.pop(0)):
            return self.fail(task, code)
        code, report = getattr(self, f"_{task.step.value}")(task, index)
        if after is None or code:
            return code, report
        match task.step:
            case Step.OPEN:
                return self._opened(task, OpenReport.model_validate_json(report), after)
            case Step.SURVEY:
                listed = SurveyReport.model_validate_json(report)
                return 0, listed.replace(next=self._next(task, after)).model_dump_json()
            case Step.COMMIT:
                closed = CommitReport.model_validate_json(report)
                return 0, closed.replace(next=self._next(task, after)).model_dump_json()
            case Step.SHARDS if after.closes and self.closes:
                return self._closed_by_last_shard(task, after)
        return code, report

    def _closed_by_last_shard(self, task: Task, after: FollowUp) -> Result:
        """The report of a commit step, if this was the last shard; failures are left to a separate commit step."""
        opened = self.data(task).open
        if opened is not None and len(opened.outcomes) < len(opened.shards):
            return 0, ""
        code, report = self.execute(task.replace(step=Step.COMMIT), 0, after.model_dump_json())
        return 0, report if code == 0 else ""

    def _opened(self, task: Task, report: OpenReport, after: FollowUp) -> Result:
        """The report of an open step for an operator that reads all of it, followed by the rest of a small pass."""
        opened = self.data(task).open
        if opened is not None and not report.closed:
            inside = after.bound is not None and report.in_ <= after.bound.items
            small = inside and report.shards == 1 and opened.kind == task.kind
            report = report.replace(kind=opened.kind, small=small)
        if not after.whole or report.foreign or not (report.small or report.closed):
            return 0, report.model_dump_json()
        if not report.closed:
            code, told = self.execute(task.replace(step=Step.SHARDS), 0)
            if code:
                return code, told
        return self.execute(task.replace(step=Step.COMMIT), 0, after.model_dump_json())

    def _next(self, task: Task, after: FollowUp) -> tuple[NextPass, ...]:
        return tuple(found for wanted in after.next if (found := self._next_pass(task, wanted, after)))

    def _next_pass(self, task: Task, wanted: NextStage, after: FollowUp) -> NextPass | None:
        stage = wanted.stage or next(stage for stage in task.stages if stage.name == wanted.name)
        data = self.stages.setdefault((stage.name, stage.key), DataSet())
        cover, fresh = {}, False
        for upstream in stage.upstreams:
            there, above, _ = self.upstream(upstream.name, upstream.key)
            if upstream.name in wanted.gates and above and over_tolerance(wanted.gates[upstream.name], above.totals):
                return None
            covered = data.coverage.get(upstream.name, 0)
            cover[upstream.name] = last_to_cover(there, covered, 1 if upstream.name in wanted.gates else after.waves)
            fresh = fresh or there > covered
        if not fresh or data.open is not None:
            return None
        found = NextPass(stage=stage.name, key=stage.key[:10], segment=len(data.closed) + 1)
        opening = task.replace(
            step=Step.OPEN, stages=(stage,), segment=found.segment, cover=cover, shard_count=wanted.shard_count
        )
        keys = len(self._inputs(opening, data))
        shards = min(wanted.shard_count or max(keys // 2, 1), max(keys, 1))
        if after.bound is not None and keys <= after.bound.items and wanted.shard_count in (0, 1) and shards == 1:
            return found.replace(in_=keys, small=True)
        # A failure is left to the stage's own open step.
        if not wanted.opens or any(self.exits.get((stage.name, "open"), [])[:1]):
            return None
        _, report = self._open(opening, 0)
        told = OpenReport.model_validate_json(report)
        return found.replace(in_=told.in_, shards=told.shards, foreign=told.foreign)

    def fail(self, task: Task, code: int) -> Result:
        kinds = {64: "SpecError", 65: "EarlyAbort", 75: "TransientError", 76: "StalePlan"}
        if code not in kinds:
            return code, ""
        return code, Failure(step=task.step, error=kinds[code], message="on purpose", hint="mend it").model_dump_json()

    def data(self, task: Task) -> DataSet:
        return self.stages.setdefault((task.stage.name, task.stage.key), DataSet())

    def upstream(self, name: str, key: str) -> tuple[int, DataSet | None, list[list[str]]]:
        if (name, key) in self.sources:
            return len(self.sources[name, key]), None, self.sources[name, key]
        data = self.stages.get((name, key), DataSet())
        return len(data.closed), data, []

    def _survey(self, task: Task, index: int) -> Result:
        sources, stages = {}, {}
        for source in task.sources:
            segments = self.sources.setdefault((source.name, source.key), [])
            known = {key for segment in segments for key in segment}
            new = [key for key in self.bucket.get(source.name, []) if key not in known] if task.refresh else []
            waves = min(task.waves, len(new))
            segments += [new[wave::waves] for wave in range(waves)]
            items = sum(map(len, segments))
            sources[source.name] = SourceReport(
                segments=len(segments), items=items, failed=self.failed_rows.get(source.name, 0), new=len(new)
            )
        for stage in task.stages:
            data = self.stages.get((stage.name, stage.key), DataSet())
            foreign = stage.name in self.foreign
            stages[stage.name] = StageReport(
                segments=len(data.closed),
                coverage=data.coverage,
                totals=data.totals,
                items=len(data.items(len(data.closed))),
                reasons=data.reasons,
                retries=data.retries,
                open=OpenPass(segment=len(data.closed) + 1, foreign=foreign) if data.open else None,
                view=data.view,
                usage=self.usage if data.closed else None,
            )
        return 0, SurveyReport(sources=sources, stages=stages).model_dump_json()

    def _open(self, task: Task, index: int) -> Result:
        data, last = self.data(task), len(self.data(task).closed)
        if task.segment <= last:
            return 0, OpenReport(segment=task.segment, shards=1, in_=0, closed=True).model_dump_json()
        if task.segment > last + 1:
            return self.fail(task, int(ExitCode.STALE_PLAN))
        if data.open is None:
            keys = self._inputs(task, data)
            count = task.shard_count or max(len(keys) // 2, 1)
            shards = [keys[number::count] for number in range(min(count, max(len(keys), 1)))]
            covers = dict(task.cover) if task.kind == "cover" else {}
            data.open = OpenedPass(task.kind, covers, shards, task.owner.uid)
        opened = data.open
        report = OpenReport(
            segment=task.segment,
            shards=len(opened.shards),
            done=format_ranges(opened.outcomes),
            in_=sum(map(len, opened.shards)),
            foreign=task.stage.name in self.foreign,
        )
        return 0, report.model_dump_json()

    def _inputs(self, task: Task, data: DataSet) -> list[str]:
        if task.kind == "retry":
            wanted = {f"failed:{name}" for name in task.retry}
            return [
                key
                for key, outcome in data.effective.items()
                if outcome.startswith("failed") and (not wanted or outcome in wanted)
            ]
        keys = []
        for upstream in task.stage.upstreams:
            first = data.coverage.get(upstream.name, 0)
            last = task.cover.get(upstream.name, 0)
            _, stage, segments = self.upstream(upstream.name, upstream.key)
            found = stage.items(last, first + 1) if stage else [key for part in segments[first:last] for key in part]
            keys += [f"{upstream.name}/{key}" for key in found]
        return keys

    def _shards(self, task: Task, index: int) -> Result:
        shard = parse_ranges(task.shard_map)[index] if task.shard_map else index
        data = self.data(task)
        if task.segment <= len(data.closed):
            return 0, ""
        assert data.open is not None
        if shard in data.open.outcomes:
            return 0, ""
        outcomes = {}
        for key in data.open.shards[shard]:
            self.tried[f"{task.stage.name}/{key}"] += 1
            classes = self.failing.get((task.stage.name, key), [])
            outcomes[key] = f"failed:{classes.pop(0)}" if classes else "done"
        data.open.outcomes[shard] = outcomes
        return 0, ""

    def _commit(self, task: Task, index: int) -> Result:
        data = self.data(task)
        if task.view_only:
            data.view = view_fingerprint(task.view)
        elif task.segment > len(data.closed):
            assert task.segment == len(data.closed) + 1
            if task.abandon:
                # A pass may be abandoned before its open step ran.
                data.closed.append(Closed(task.kind, "abandoned", {}, {}))
            else:
                opened = data.open
                assert opened is not None
                undone = set(range(len(opened.shards))) - set(opened.outcomes)
                if undone and not task.close_lost:
                    return self.fail(task, int(ExitCode.TRANSIENT))
                lost = {key: "failed:shard_lost" for shard in undone for key in opened.shards[shard]}
                outcomes = {key: outcome for part in opened.outcomes.values() for key, outcome in part.items()} | lost
                data.closed.append(Closed(opened.kind, "committed", opened.covers, outcomes))
            data.open = None
            data.view = view_fingerprint(task.view)
        report = CommitReport(
            segment=task.segment,
            state=data.closed[task.segment - 1].state,
            totals=data.totals,
            coverage=data.coverage,
            items=len(data.items(len(data.closed))),
            reasons=data.reasons,
            seconds=1.0,
            view=data.view,
            usage=self.usage,
        )
        return 0, report.model_dump_json()

    def _verify(self, task: Task, index: int) -> Result:
        report = VerifyReport(objects=10, damaged=len(self.damaged), names=tuple(self.damaged[:3]))
        return 0, report.model_dump_json()

    def _remove(self, task: Task, index: int) -> Result:
        gone = len(self.stages)
        self.stages.clear()
        self.sources.clear()
        return 0, RemoveReport(removed=gone).model_dump_json()
