"""Benchmark of a `filter` stage on 1,000,000 items on one core: open step, shard and commit step.

A row is that of a measured clip, with 24 measures, a caption and a provenance: 700 bytes. The limit is 60 s of CPU time
in all processes of the pass. There are no media.
"""

import hashlib
import os
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.row import Row, begin, emit
from bench.timing import cpu_seconds, one_core
from reelmill.contract.digest import fingerprint
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.records.segment import Counts, Part, Segment
from reelmill.contract.task import Connection, Owner, SourceDef, StageDef, Step, StoreRef, Task, Upstream
from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill_stages.records.record_files import create
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.commit.step import commit
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.open.step import open_pass
from reelmill_stages.runtime.shards.step import run_shard
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store

ITEMS = 1_000_000
LIMIT = 60.0
RULES: dict[str, Any] = {
    "rules": [
        {"name": "too_dark", "field": "measures.luma", "min": 16},
        {"field": "duration", "min": 2, "max": 60},
        {"name": "still", "field": "measures.motion", "min": 0.2, "missing": "keep"},
        {"name": "codec", "field": "measures.codec", "in": ["h264", "hevc"]},
        {"name": "wordless", "field": "text", "matches": "[a-z]+ [a-z]+"},
    ]
}
NAMES = [f"measure_{number}" for number in range(20)]


def items(count: int) -> Iterator[dict[str, Any]]:
    """Rows of measured clips."""
    chance = random.Random(1)
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        length = round(chance.uniform(1, 30), 3)
        measures: dict[str, Any] = {name: round(chance.random(), 4) for name in NAMES}
        measures |= {"luma": round(chance.uniform(0, 255), 2), "motion": round(chance.random(), 4), "codec": "h264"}
        fields = {"vid": f"v{number // 4}", "name": f"v{number}", "text": "a man walks", "duration": length}
        media = Media(f"clips/0123456789/0001/clips/v{number}.mp4", 100_000 + number, digest=f"sha256:{digest}")
        yield Item(
            key=f"v{number // 4}:{number}",
            ordinal=number,
            group=f"v{number // 4}",
            weight=length,
            media=media,
            provenance={"source": {"uri": f"/raw/v{number // 4}.mp4", "size": 1}, "in": 0, "out": 90_000},
            fields={**fields, "measures": measures},
        ).to_json()


def listed(store: Store, source: SourceDef, folder: Path, count: int) -> None:
    """Commit a segment with `count` items, as an upstream stage does."""
    paths = DataSetPaths(source.name, source.key).segment(1)
    rows = RowFile(folder / "items.jsonl")
    for row in items(count):
        rows.append(row)
    found = rows.upload(store, f"{paths.root}/_reelmill/items/0.jsonl")
    counts = Counts(in_=count, done=count)
    part = Part(items=found, ledger=None, count=count, weight=1.0, first_ordinal=0)
    totals: dict[str, Any] = {"counts": counts, "totals": counts, "items": count, "next_ordinal": count}
    create(
        store,
        paths.segment_json,
        Segment(
            state="committed", stage=source.name, key=source.key, segment=1, kind="listing", parts=(part,), **totals
        ),
    )


def stage_of(source: SourceDef, rules: dict[str, Any]) -> StageDef:
    definition: dict[str, Any] = {"stage": "filter", "params": rules}
    upstream = Upstream(name=source.name, key=source.key)
    return StageDef(
        name="keep",
        key=fingerprint(definition),
        type="filter",
        data_version=1,
        params=rules,
        definition=definition,
        upstreams=(upstream,),
    )


def decide(root: Path, source: SourceDef, stage: StageDef) -> dict[str, float]:
    """One pass over all items, in this process and one worker; CPU seconds of each step."""
    spent: dict[str, float] = {}
    for step, act in (
        (Step.OPEN, open_pass),
        (Step.SHARDS, partial(run_shard, index=0)),
        (Step.COMMIT, commit),
    ):
        task = Task(
            step=step,
            owner=Owner(namespace="default", name="bench", uid="bench"),
            run=1,
            store=StoreRef(uri=str(root)),
            sources=(source,),
            stages=(stage,),
            segment=1,
            cover={source.name: 1},
            shard_count=1,
            limits=ShardLimits(workers=1, item_timeout=600),
        )
        before = cpu_seconds()
        with context(task, os.environ, threading.Event()) as found:
            act(found)
        spent[step] = cpu_seconds() - before
    return spent


def moved(turn: int) -> dict[str, Any]:
    """The rules with another threshold."""
    first, *others = RULES["rules"]
    return {"rules": [{**first, "min": 16 + turn}, *others]}


def main(rounds: int) -> None:
    one_core()
    count = int(os.environ.get("REELMILL_BENCH_ITEMS", ITEMS))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        source = SourceDef(name="clips", key=fingerprint("clips"), type="files", params={}, connection=Connection())
        listed(open_store(StoreRef(uri=str(root)), env=os.environ), source, root, count)
        rules = [
            {**RULES, "rules": [{**RULES["rules"][0], "min": 16 + turn}, *RULES["rules"][1:]]} for turn in range(rounds)
        ]
        spent = [decide(root, source, stage_of(source, each)) for each in rules]
    best = min(sum(steps.values()) for steps in spent)
    print({step: round(seconds, 1) for step, seconds in spent[0].items()}, file=sys.stderr)
    ours = best * ITEMS / count
    emit(
        Row(
            "filter",
            f"{count:,} items by {len(RULES['rules'])} rules",
            "a limit, CPU seconds of the whole pass",
            ours,
            LIMIT,
            ratio=ours / LIMIT,
            target=1.0,
            at_most=True,
            rounds=(rounds, rounds),
        )
    )


if __name__ == "__main__":
    begin(main, "filter")
