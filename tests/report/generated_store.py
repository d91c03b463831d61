"""Data sets of generated items and ledgers in a folder, committed as steps leave them, with nobody at work."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelmill.contract.records.flow import Flow, Volume
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.rows import Item, LedgerRow, Media
from reelmill.contract.records.segment import Counts, Object, Part, Pass, Segment, ShardPlan
from reelmill.contract.task import Owner, SourceDef, StageDef, Step, StoreRef, Task, Upstream
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store


def key_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def item(key: str, *, size: int = 1000, uri: str = "", **fields: Any) -> Item:
    """An item of a video that does not exist."""
    return Item(key, 0, key, 1.0, Media(uri or f"made/{key}.mp4", size, digest="sha256:0"), fields=fields)


@dataclass
class GeneratedStore:
    """A store, and the pipeline that made it: a source `raw`, and stages in a row or as `reads` says."""

    root: Path
    stages: Sequence[str] = ("clips", "keep")
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store: Store = open_store(StoreRef(uri=str(self.root)), env={})
        for place, name in enumerate(self.stages):
            self.reads.setdefault(name, (self.stages[place - 1],) if place else ("raw",))

    @property
    def task(self) -> Task:
        return Task(
            step=Step.SURVEY,
            owner=Owner(namespace="default", name="made", uid="u1"),
            run=1,
            store=StoreRef(uri=str(self.root)),
            sources=(SourceDef(name="raw", key=key_of("raw"), type="files", params={}),),
            stages=tuple(self.stage(name) for name in self.stages),
        )

    def stage(self, name: str) -> StageDef:
        return StageDef(
            name=name,
            key=key_of(name),
            type=self.types.get(name, "clip"),
            data_version=1,
            params={},
            definition={"stage": name},
            upstreams=tuple(Upstream(name=each, key=key_of(each)) for each in self.reads[name]),
        )

    def paths(self, name: str, segment: int) -> SegmentPaths:
        return DataSetPaths(name, key_of(name)).segment(segment)

    def commit(
        self,
        name: str,
        items: Iterable[Item] = (),
        ledger: Iterable[LedgerRow] = (),
        *,
        flow: Flow | None = None,
        covers: dict[str, int] | None = None,
        kind: Any = "cover",
        before: Segment | None = None,
        **more: Any,
    ) -> Segment:
        """Close the next segment. The counts are those of the ledger; `flow` and totals are all that went before."""
        number = (before.segment if before else 0) + 1
        paths = self.paths(name, number)
        outcomes: Counter[str] = Counter()
        reasons: Counter[str] = Counter(before.reasons if before else {})
        rows = self._rows(paths.ledger(0, "1-0000abcd"), self._counted(ledger, outcomes, reasons))
        made = self._rows(paths.items(0, "1-0000abcd"), (one.to_json() for one in items))
        counts = Counts(
            in_=outcomes.total(), **{name: outcomes[name] for name in ("done", "filtered", "failed", "skipped")}
        )
        if kind != "listing":
            self._open(name, paths, number, kind)
        closed = Segment(
            state="committed",
            stage=name,
            key=key_of(name),
            segment=number,
            kind=kind,
            counts=counts,
            totals=(before.totals + counts) if before else counts,
            reasons=dict(sorted(reasons.items())),
            coverage=covers if covers is not None else dict.fromkeys(self.reads.get(name, ()), 1),
            items=made[1],
            next_ordinal=(before.next_ordinal if before else 0) + made[1],
            parts=(
                Part(
                    items=made[0],
                    ledger=rows[0],
                    count=made[1],
                    weight=1.0,
                    first_ordinal=before.next_ordinal if before else 0,
                ),
            ),
            flow=flow,
            **more,
        )
        self.store.write(paths.segment_json, closed.model_dump_json(by_alias=True).encode(), create=True)
        return closed

    def _counted(
        self, ledger: Iterable[LedgerRow], outcomes: Counter[str], reasons: Counter[str]
    ) -> Iterable[dict[str, Any]]:
        for row in ledger:
            outcomes[row.outcome.value] += 1
            if row.outcome != "done":
                reasons[f"{row.outcome.value}:{row.reason}"] += 1
            yield row.to_json()

    def _rows(self, key: str, rows: Iterable[dict[str, Any]]) -> tuple[Object, int]:
        path = self.root / "rows.tmp"
        count, digest = 0, hashlib.sha256()
        self.root.mkdir(exist_ok=True)
        with path.open("wb") as file:
            for row in rows:
                line = json.dumps(row).encode() + b"\n"
                digest.update(line)
                file.write(line)
                count += 1
        self.store.write(key, path, create=True)
        found = Object(key=key, size=path.stat().st_size, digest=f"sha256:{digest.hexdigest()}")
        path.unlink()
        return found, count

    def _open(self, name: str, paths: SegmentPaths, number: int, kind: Any) -> None:
        opened = Pass(
            stage=name, key=key_of(name), segment=number, kind=kind, in_=0, first_ordinal=0,
            shards=(ShardPlan(slices=(), count=0, weight=0.0),), definition={},
            runner=Runner(uid="u1", name="default/made", run=1),
        )  # fmt: skip
        self.store.write(paths.pass_json, opened.model_dump_json(by_alias=True).encode(), create=True)
        self.store.write(paths.shard(0), b"{}", create=True)


def volume(items: Sequence[tuple[float | None, int]]) -> Volume:
    """(seconds, bytes) of each item, added up one by one."""
    known = [seconds for seconds, _ in items if seconds is not None]
    return Volume(
        items=len(items),
        seconds=round(sum(known), 3),
        bytes=sum(size for _, size in items),
        untimed=len(items) - len(known),
    )
