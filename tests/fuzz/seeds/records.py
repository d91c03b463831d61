"""Seeds for pipeline files, tasks, records, rows and reports."""

import base64
import json
import zlib
from pathlib import Path

from fuzz.seeds.media import Seeds
from fuzz.targets.data_sets import ITEMS, LEDGER
from fuzz.targets.scratch import SEPARATOR
from reelmill.cli.input.pipeline import load
from reelmill.contract.compact_report import packed
from reelmill.contract.model import Model
from reelmill.contract.records.claim import Claim, Claimant, Identity
from reelmill.contract.records.heartbeat import LocalProcess, Runner
from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome, Output, Span
from reelmill.contract.records.segment import (
    Counts,
    Object,
    Part,
    Pass,
    Segment,
    ShardCommit,
    ShardPlan,
    Slice,
    StageRecord,
)
from reelmill.contract.records.usage import Usage, UsageRecord, WorkSeconds
from reelmill.contract.task import OpenPass, SourceReport, StageReport, SurveyReport
from reelmill_stages.records.crash_suspects import CrashSuspects
from reelmill_stages.records.drift import DriftRecord
from reelmill_stages.records.latest_key import LatestKey
from reelmill_stages.records.lineage.assembled_from import AssembledFrom
from reelmill_stages.records.pins import Pin
from reelmill_stages.records.record_files import dump
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.runtime.shards.outcomes import SettledInput

_SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
_KEY = "0123456789abcdef"
_COUNTS = Counts(in_=2, done=1, failed=1)
_OBJECT = Object(key="clips/0123456789/0001/clips/a.mp4", size=3, digest="")
_RUNNER = Runner(uid="u", name="ns/demo", run=1, process=LocalProcess(kernel="k", pid=1, started=2))
_ITEM = Item(
    "a", 0, "v", 1.5,
    media=Media("clips/0123456789/0001/a.mp4", 3, etag="e", digest="sha256:00", span=Span(0.0, 1.5)),
    outputs=(Output(_OBJECT.key, 3, "sha256:00"),), provenance={"measured": "x"}, fields={"vid": "v", "name": "a"},
)  # fmt: skip
_ROWS = (
    LedgerRow("a", 0, Outcome.DONE), LedgerRow("b~12345678", 1, Outcome.FAILED, "corrupt", "https://u:p@h/x", 0.1, 2),
)  # fmt: skip


def seeds() -> Seeds:
    """The seeds of everything that reelmill writes, and of pipeline files."""
    for path in sorted(_SAMPLES.rglob("*.yaml")):
        yield "pipeline", path.read_bytes()[:4096]
    yield (
        "pipeline",
        b"apiVersion: reelmill.dev/v1alpha1\nkind: VideoPipeline\nspec: {a: &x [1], b: *x, <<: {c: 0x9}}\n",
    )
    task = load(str(_SAMPLES / "demo" / "pipeline.yaml")).task()
    yield "task", dump(task)
    yield "task", dump(task.replace(sources=task.sources[:1], stages=task.stages[:1]))
    for model in _records():
        yield "record", dump(model)
    made = AssembledFrom(file="packs/0123456789/0001/x.tar", inputs=(0, 1, 7)), AssembledFrom(item="x", inputs=(0,))
    lines = [row.to_json() for row in (_ITEM, *_ROWS, RetriedRow(_ITEM, 2), *made)]
    for line in lines:
        yield "rows", _json(line)
    yield "outcomes", b"\n".join(SettledInput(row, (encoded(_ITEM),), {"x": 1}).line for row in _ROWS)
    for text in (b"0-3,7", b"1", b"", b"5,4-6,100-200"):
        yield "ranges", text
    stage = StageReport(segments=2, coverage={"raw": 2}, totals=_COUNTS, items=1, open=OpenPass(segment=3), view="v")
    full = SurveyReport(sources={"raw": SourceReport(segments=1, items=2)}, stages={"clips": stage})
    report = packed(full, {"clips": ["raw"]}).packed.encode()
    yield "report", report
    yield "report", zlib.decompress(base64.b85decode(report))
    segment, stage_json = dump(_segment()), dump(_stage())
    items, ledger = _json(_ITEM.to_json()) + b"\n", b"".join(_json(row.to_json()) + b"\n" for row in _ROWS)
    for target in ("data-set", "foreign-data-set"):
        yield target, SEPARATOR.join([segment, items, ledger, stage_json])


def _segment() -> Segment:
    rows = (Object(key=key, size=1, digest="") for key in (ITEMS, LEDGER))
    part = Part(items=next(rows), ledger=next(rows), count=1, weight=1.5, first_ordinal=0, outputs=(_OBJECT,))
    return Segment(
        state="committed", stage="clips", key=_KEY, segment=1, kind="cover", covers={"raw": (1, 1)}, counts=_COUNTS,
        totals=_COUNTS, reasons={"failed:corrupt": 1}, coverage={"raw": 1}, items=1, next_ordinal=1, parts=(part,),
    )  # fmt: skip


def _stage() -> StageRecord:
    return StageRecord(stage="clips", key=_KEY, segment=1, definition={}, coverage={"raw": 1}, totals=_COUNTS, items=1)


def _records() -> list[Model]:
    piece = Slice(upstream="raw", rows=ITEMS, first=0, count=2, ordinal=0)
    claimant = Claimant(namespace="ns", name="demo", token="t")
    return [
        _segment(),
        _stage(),
        Pass(
            stage="clips", key=_KEY, segment=1, kind="cover", covers={"raw": (1, 1)}, in_=2, first_ordinal=0,
            shards=(ShardPlan(slices=(piece,), count=2, weight=3.0),), definition={"stage": "clip"}, runner=_RUNNER,
        ),
        ShardCommit(shard=0, of=1, counts=_COUNTS, items=_OBJECT, item_count=1, ledger=_OBJECT, counters={"x": 1}),
        Claim(namespace="ns", name="demo", uid="u", data_set="clips", key=_KEY),
        Identity(uid="u", claimant=claimant, created="2026-01-01T00:00:00Z"),
        _RUNNER,
        LatestKey(key=_KEY),
        Pin(uri="w.pt", digest="sha256:00", etag="e", size=3),
        DriftRecord(changed=1, vanished=0, changed_keys=["a"]),
        CrashSuspects(items=("a",), alone=True, memory=1),
        UsageRecord(usage=Usage(cpu_seconds=1.5, bytes_read=2, work=WorkSeconds(decode=1.0)), ended=True),
    ]  # fmt: skip


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
