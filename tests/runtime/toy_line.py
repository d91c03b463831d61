"""A pipeline of toy stages over a folder, and the smallest planner that drives it: in this process or in others."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelmill.contract.digest import fingerprint
from reelmill.contract.task import (
    CommitReport,
    Connection,
    OpenReport,
    Owner,
    SourceDef,
    StageDef,
    Step,
    StoreRef,
    SurveyReport,
    Task,
    Upstream,
)
from reelmill.contract.task_parts.follow_up import FollowUp, NextStage, PassBound
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.records.data_set import DataSet, open_data_set
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.open.step import open_pass
from reelmill_stages.runtime.shards.step import run_shard
from reelmill_stages.runtime.survey.step import survey
from reelmill_stages.runtime.whole_pass import whole_pass
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store

HERE = Path(__file__).parent
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))


@dataclass
class Line:
    """Source `raw` and stages; every file lies below `root`."""

    root: Path
    uid: str = "uid-1"
    stages: list[StageDef] = field(default_factory=list)
    limits: ShardLimits = field(default_factory=lambda: ShardLimits(workers=1, item_timeout=30, checkpoint_seconds=0.2))
    waves: int = 1
    run: int = 0
    views: dict[str, dict[str, object]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    source_names: tuple[str, ...] = ("raw",)
    shard_count: int = 0

    bound: PassBound | None = None
    """The largest pass that is done as a whole; None: every pass has its three steps."""
    ref: StoreRef | None = None
    """Where the store is, if not in a folder below `root`."""

    @property
    def store(self) -> Store:
        return open_store(self.ref or StoreRef(uri=str(self.root / "store")), env=os.environ)

    @property
    def source(self) -> SourceDef:
        return self.source_def("raw")

    def source_def(self, name: str) -> SourceDef:
        params: dict[str, object] = {"uri": str(self.root / f"{name}.jsonl")}
        return SourceDef(
            name=name,
            key=fingerprint(["source", name]),
            type="toy_stages:list_rows",
            params=params,
            connection=Connection(),
        )

    def put(self, key: str, text: str = "content", *, source: str = "raw", **row: Any) -> None:
        """Add an item to a source, or change its file."""
        file = self.root / "media" / source / f"{key}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n{key}\n" if text == "content" else text)
        self.list_row({"key": key, "file": str(file), **row}, source=source)

    def list_row(self, row: Mapping[str, Any], *, source: str = "raw") -> None:
        """Add or replace a row of a source's metadata."""
        self.rows = [old for old in self.rows if (old["key"], old["_source"]) != (row["key"], source)]
        self.rows.append({**row, "_source": source})
        self.write_rows(source)

    def drop_row(self, key: str, source: str = "raw") -> None:
        self.rows = [old for old in self.rows if (old["key"], old["_source"]) != (key, source)]
        self.write_rows(source)

    def write_rows(self, source: str) -> None:
        rows = [
            {name: value for name, value in row.items() if name != "_source"}
            for row in self.rows
            if row["_source"] == source
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        path = self.root / f"{source}.jsonl"
        if not path.exists() or path.read_text() != text:  # another survey may be reading it
            path.write_text(text)

    def stage(self, name: str, type_: str = "Upper", *upstreams: str, **params: object) -> StageDef:
        """Add a stage; it reads the one above, or the source."""
        names = upstreams or (self.stages[-1].name if self.stages else "raw",)
        keys = {stage.name: stage.key for stage in self.stages}
        keys |= {name: self.source_def(name).key for name in self.source_names}
        found = tuple(Upstream(name=upstream, key=keys[upstream]) for upstream in names)
        if type_ in ("Join", "Watching", "Lazy", "Linked"):
            params = {**params, "join": True}
        definition: dict[str, object] = {"type": type_, "params": params, "upstreams": [up.key for up in found]}
        stage = StageDef(
            name=name,
            key=fingerprint(definition),
            type=f"toy_stages:{type_}",
            data_version=1,
            params=params,
            definition=definition,
            upstreams=found,
        )
        self.stages.append(stage)
        return stage

    def task(self, step: Step, stage: StageDef | None = None, **more: Any) -> Task:
        self.run += 1
        fields: dict[str, Any] = {
            "step": step,
            "owner": Owner(namespace="default", name="line", uid=self.uid),
            "run": self.run,
            "store": self.ref or StoreRef(uri=str(self.root / "store")),
            "sources": tuple(self.source_def(name) for name in self.source_names),
            "stages": (stage,) if stage else tuple(self.stages),
            "limits": self.limits,
            "waves": self.waves,
            **more,
        }
        return Task(**fields)

    def survey(self, **more: Any) -> SurveyReport:
        for source in self.source_names:
            self.write_rows(source)
        with context(self.task(Step.SURVEY, **more), os.environ, threading.Event()) as found:
            return survey(found)

    def data(self, name: str) -> DataSet:
        keys = {stage.name: stage.key for stage in self.stages}
        return open_data_set(self.store, name, keys.get(name) or self.source_def(name).key)

    def open_task(self, stage: StageDef, **more: Any) -> Task:
        data = self.data(stage.name)
        last = data.last
        cover = {}
        for upstream in stage.upstreams:
            found = self.data(upstream.name).last
            cover[upstream.name] = found.segment if found else 0
        fields = {"segment": last.segment + 1 if last else 1, "cover": cover, "shard_count": self.shard_count, **more}
        return self.task(Step.OPEN, stage, **fields)

    def open(self, stage: StageDef, **more: Any) -> OpenReport:
        return self.do_open(self.open_task(stage, **more))

    def do_open(self, task: Task) -> OpenReport:
        with context(task, os.environ, threading.Event()) as found:
            return open_pass(found)

    def shard(self, stage: StageDef, segment: int, index: int, **more: Any) -> None:
        with context(self.task(Step.SHARDS, stage, segment=segment, **more), os.environ, threading.Event()) as found:
            run_shard(found, index)

    def commit(self, stage: StageDef, segment: int, **more: Any) -> CommitReport:
        fields = {"segment": segment, "view": self.views.get(stage.name, {}), **more}
        with context(self.task(Step.COMMIT, stage, **fields), os.environ, threading.Event()) as found:
            return commit(found)

    def follow_up(self, *, whole: bool = False, **more: Any) -> FollowUp:
        return FollowUp(whole=whole, bound=self.bound, **more)

    def whole(self, stage: StageDef, *, next_: tuple[NextStage, ...] = (), **more: Any) -> OpenReport | CommitReport:
        """Open, the shard and commit in one step."""
        task = self.open_task(stage, view=self.views.get(stage.name, {}), **more)
        with context(task, os.environ, threading.Event()) as found:
            return whole_pass(found, self.follow_up(whole=True, next=next_), lambda step: None)

    def run_pass(self, stage: StageDef, **more: Any) -> CommitReport:
        """Open, all shards one after the other, commit; in one step where the bound allows it."""
        if self.bound:
            done = self.whole(stage, **more)
            if isinstance(done, CommitReport):
                return done
        report = self.open(stage, **more)
        for index in range(report.shards):
            self.shard(stage, report.segment, index)
        return self.commit(stage, report.segment)

    def advance(self) -> int:
        """Cover everything there is to cover; how many passes that took."""
        passes = 0
        for stage in self.stages:
            covered = self.data(stage.name).coverage
            uppers = {upstream.name: self.data(upstream.name).last for upstream in stage.upstreams}
            if any(last and last.segment > covered.get(name, 0) for name, last in uppers.items()):
                self.run_pass(stage)
                passes += 1
        return passes

    def go(self) -> None:
        """A whole run."""
        self.survey()
        self.advance()

    def popen(self, task: Task, index: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """The step as a process in a session of its own; `REELMILL_NEXT` may be in its environment."""
        env = {**os.environ, **environment, "REELMILL_TASK": task.model_dump_json(by_alias=True)}
        env["REELMILL_REPORT"] = str(self.root / f"report-{task.run}.json")
        if index is not None:
            env["JOB_COMPLETION_INDEX"] = str(index)
        command = [sys.executable, "-m", "reelmill_stages"]
        return subprocess.Popen(command, env=env, start_new_session=True, stderr=subprocess.PIPE)


def outcomes(data: DataSet) -> dict[str, tuple[str, str]]:
    """Effective ledger: key -> (outcome, reason)."""
    return {row.key: (row.outcome.value, row.reason) for row in data.ledger()}


def contents(data: DataSet) -> dict[str, str]:
    """Item key -> content of its media."""
    found = {}
    for item in data.items():
        assert item.media is not None
        found[item.key] = data.store.read(item.media.uri).decode()
    return found


def law(data: DataSet) -> None:
    """In = done + filtered + failed + skipped, counted from the rows."""
    rows = list(data.ledger())
    assert len({row.key for row in rows}) == len(rows)
    assert data.totals.balanced
    counted = {
        name: sum(row.outcome.value == name for row in rows) for name in ("done", "filtered", "failed", "skipped")
    }
    assert data.totals.model_dump(by_alias=True) == {"in": len(rows), **counted}
