"""A small store with every kind of object that reelmill writes, and kinds of damage to any of them.

Two pipelines whose stages have the same names share the store, so that every object has one of the same name beside it.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import toy_line as toy

from reelmill.contract.digest import fingerprint
from reelmill.contract.records.answers import KeptAnswer, Spending
from reelmill.contract.records.claim import Claimant
from reelmill.contract.records.layout import INTERNAL, RUN
from reelmill.contract.records.usage import Usage, UsageRecord
from reelmill.contract.task import SourceDef, StageDef, Step, SurveyReport
from reelmill.contract.task_parts.run_report import ENV as DEFINITION
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.commands.identity import identity
from reelmill_stages.commands.versions.freeze import freeze
from reelmill_stages.records.crash_suspects import CrashSuspects
from reelmill_stages.records.drift import Drift
from reelmill_stages.records.pins import Pin
from reelmill_stages.records.record_files import dump

HIDDEN = ".reelmill-store"


@dataclass
class Pipeline(toy.Line):
    """A pipeline with an identity."""

    title: str = ""

    def source_def(self, name: str) -> SourceDef:
        params: dict[str, object] = {"uri": str(self.root / f"{name}-{self.title}.jsonl")}
        return super().source_def(name).replace(key=fingerprint(["source", name, self.title]), params=params)

    def write_rows(self, source: str) -> None:
        super().write_rows(source)
        shutil.move(self.root / f"{source}.jsonl", self.root / f"{source}-{self.title}.jsonl")

    def survey(self, **more: Any) -> SurveyReport:
        os.environ[DEFINITION] = RunDefinition(name=self.title).model_dump_json()
        try:
            return super().survey(**more)
        finally:
            del os.environ[DEFINITION]

    @property
    def claimant(self) -> Claimant:
        return Claimant(namespace="default", name=self.title, token=self.title)


def grown(root: Path, title: str, texts: dict[str, str], between: Callable[[], None]) -> Pipeline:
    """A pipeline whose stages have covered two listings and a retry; then one has a pass whose outcomes are frozen and
    not committed, and another has one with a checkpoint.

    `between` is called after the first listing.
    """
    line = Pipeline(root, title=title)
    line.uid = identity(line.task(Step.SURVEY), os.environ, line.claimant, make=True)
    upper = line.stage("upper")
    line.stage("near", "Near", "upper")
    line.stages[-1] = line.stages[-1].replace(type="toy_decisions:Near")
    line.stage("join", "Join", "upper")
    names = list(texts)
    for key in names[:3]:
        line.put(key, texts[key], fields={"text": texts[key]})
    line.put("bad", f"fail not_an_image {title}\n")
    line.go()
    _beside(line, upper, 0)
    between()
    line.run_pass(upper, kind="retry")
    for key in names[3:5]:
        line.put(key, texts[key])
    line.go()
    _beside(line, upper, 1)
    freeze(line.task(Step.SURVEY), os.environ, f"state-{title}", stages=(), moment="2026-01-01T00:00:00Z")
    for key in names[5:]:
        line.put(key, texts[key])
    line.survey()
    for stage in (upper, line.stages[-1]):
        _unfinished(line, stage)
    return line


def _beside(line: Pipeline, stage: StageDef, number: int) -> None:
    """What a server, parameter files, a changed source and a killed run leave."""
    store, names = line.store, line.data(stage.name).names
    Drift(changed=[f"{line.title}-{each}" for each in range(number + 1)]).write(store, line.data("raw").names)
    question = fingerprint(["question", line.title])
    answer = KeptAnswer(question=f"sha256:{question}", answer=f"{line.title} says so")
    spending = Spending(counters={f"{line.title}_tokens": number})
    store.write(names.pin("weights"), dump(Pin(uri=f"/{line.title}.pt", digest=fingerprint([line.title]), size=number)))
    store.write(names.answer(question), dump(answer))
    store.write(names.spent("1-0123abcd", "89abcdef"), dump(spending))
    used = UsageRecord(usage=Usage(), ended=bool(number))
    store.write(names.segment(1).usage(0, "1-0123abcd"), dump(used))
    store.write(names.segment(1).checkpoint(0, "1-0123abcd"), store.read(names.segment(1).outcomes(0)))
    store.write(names.segment(1).log(0, "1-0123abcd"), f"{line.title} {number}\n".encode())
    store.write(names.segment(1).flight(0, "1-0123abcd"), dump(CrashSuspects(items=(line.title,) * (number + 1))))


def _unfinished(line: Pipeline, stage: StageDef) -> None:
    """A pass that is open: its only shard has frozen its outcomes, and was killed before its commit."""
    report = line.open(stage)
    line.shard(stage, report.segment, 0)
    line.store.delete(line.data(stage.name).paths(report.segment).shard(0))


_RUN_ID = re.compile(RUN)
_KEY = re.compile(r"^([^/]+)/[0-9a-f]{10}/")
_DIGEST = re.compile(r"[0-9a-f]{32,64}")


def general(key: str) -> str:
    """A key without what differs between objects of the same kind and number in two data sets of the same name."""
    if key.startswith(f"{INTERNAL}/frozen/"):
        return re.sub(r"state-\w+", "state", _DIGEST.sub("*", re.sub(r"/[0-9a-f]{10}/", "/*/", key)))
    return re.sub(r"answers/../", "answers/", _DIGEST.sub("*", _RUN_ID.sub("*", _KEY.sub(r"\1/*/", key))))


def keys_in(root: Path) -> list[str]:
    """Keys of all objects of a store, in order."""
    paths = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if path.parts[0] != HIDDEN)


@dataclass
class EveryObject:
    """A store, and as it was in the middle."""

    root: Path
    line: Pipeline
    """The pipeline whose objects are damaged."""
    other: Pipeline

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of object -> one of them, of `line`."""
        found: dict[str, str] = {}
        for key in self.of(self.line):
            if (self.store / key).stat().st_size:
                found.setdefault(self.kind(key), key)
        return found

    def kind(self, key: str) -> str:
        """What an object is, whichever data set and segment it belongs to. Those of open passes are kinds of their
        own.
        """
        closed = re.sub(r"^([^/]+/[0-9a-f]{10}/\d{4}/).*", rf"\1{INTERNAL}/segment.json", key)
        is_open = closed.endswith("/segment.json") and not (self.store / closed).exists()
        return ("open: " if is_open else "") + re.sub(r"^(upper|near|join|raw)/(\*/)?(\d{4}/)?", "", general(key))

    def at(self, root: Path) -> "EveryObject":
        """A copy of it below another root."""
        shutil.copytree(self.root, root)
        return EveryObject(root, replace(self.line, root=root), replace(self.other, root=root))

    @contextmanager
    def mended(self, key: str) -> Iterator[None]:
        """Puts an object back that is damaged meanwhile."""
        path, aside = self.store / key, self.root / "aside"
        path.rename(aside)
        shutil.copy2(aside, path)
        try:
            yield
        finally:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.rename(path)

    @property
    def store(self) -> Path:
        return self.root / "store"

    def of(self, line: Pipeline) -> list[str]:
        """Keys of the objects of one of the pipelines, and of what it shares with the other one."""
        other = self.other if line is self.line else self.line
        roots = [other.data(name).root for name in ("raw", *(stage.name for stage in other.stages))]
        others = [f"{INTERNAL}/frozen/state-{other.title}", f"{INTERNAL}/runs/{other.uid}", *roots]
        others.append(f"{INTERNAL}/pipelines/{other.claimant.digest}")
        return [key for key in keys_in(self.store) if not key.startswith(tuple(others))]

    def elsewhere(self, key: str) -> Path | None:
        """The object of the other pipeline that has the same name."""
        found = self._others.get(general(key))
        return self.store / found if found and found != key else None

    @cached_property
    def _others(self) -> dict[str, str]:
        return {general(each): each for each in self.of(self.other)}

    def earlier(self, key: str) -> Path | None:
        """The object as it was before, if it has changed since."""
        path = self.root / "between" / key
        return path if path.is_file() and path.read_bytes() != (self.store / key).read_bytes() else None


def every_object(root: Path) -> EveryObject:
    """Make the store."""
    store = root / "store"
    other = grown(root, "other", {key: f"{number} quiet {key}\n" for number, key in enumerate("abcdefg")}, lambda: None)
    line = grown(
        root,
        "one",
        {key: f"{number} film {key}\n" for number, key in enumerate("abcdefg", 11)},
        lambda: shutil.copytree(store, root / "between") and None,
    )
    for path in [*store.rglob("users/frozen-*.json"), *store.glob(f"{INTERNAL}/frozen/*/**/*")]:
        os.utime(path, (1e9, 1e9))  # a state whose claims are young may be one that `freeze` is still copying
    return EveryObject(root, line, other)
