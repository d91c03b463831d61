"""Cost of forgetting items of a source, by the number of items made from it, with exponents.

Rows are generated as by runs: films, ten clips of each, copies that were filtered, and tars of a thousand clips. Output
files are not generated. Each step is a separate process, whose CPU time and peak memory are measured.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from endurance.scale import Measured
from reelmill.contract.digest import fingerprint
from reelmill.contract.records.flow import Flow
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Counts, Object, Part, Pass, Segment, ShardPlan, Slice, StageRecord
from reelmill.contract.task import SourceDef, StoreRef
from reelmill_stages.records.record_files import dump
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.forget.forgetting import begin, execute_plan, plan_of, stored_plan
from reelmill_stages.runtime.forget.search.remains import forgotten, remains
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from peak_memory import peak_of

CLIPS, PER_TAR, PER_PART = 10, 1000, 10_000
RUN = "1-0000abcd"
RUNNER = Runner(uid="u1", name="default/made", run=1)
SOURCE = SourceDef(name="raw", key=fingerprint("raw"), type="files", params={"uri": "films"})
NAMES = {name: DataSetPaths(name, fingerprint(name)) for name in ("raw", "clips", "kept", "tars")}
UPSTREAM = {"clips": "raw", "kept": "clips", "tars": "kept"}
STEPS = ("plan", "forget", "search")
Row = dict[str, Any]


def run(most: int) -> int:
    """Measure up to this number of clips, and print a line for each cost."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for items in sorted({most // 100, most // 10, most}):
        with TemporaryDirectory() as folder:
            generate(open_store(StoreRef(uri=f"{folder}/store"), env={}), items, Path(folder))
            for films in (1, min(100, items // CLIPS - 1)):
                for step in STEPS:
                    report_file = Path(folder) / "told"
                    asked = [step, folder, str(items), str(films), str(report_file)]
                    command = [sys.executable, "-m", "endurance.forgetting", *asked]
                    peak = peak_of(command, PYTHONPATH=os.pathsep.join(sys.path))
                    for unit, value in (("CPU s", float(report_file.read_text())), ("MiB", peak / 2**20)):
                        found.setdefault((f"{step}, {films} films", unit), []).append((items, value))
        for (name, unit), samples in found.items():
            print(Measured(name, unit, "clips", samples).line(), flush=True)
    return 0


def generate(store: Store, clips: int, folder: Path) -> None:
    """Commit the four data sets."""
    films = clips // CLIPS
    _commit(store, folder, "raw", [_films(first, films) for first in range(0, films, PER_PART)])
    _commit(store, folder, "clips", [_clips(first, clips) for first in range(0, clips, PER_PART)])
    _commit(store, folder, "kept", [_kept(first, clips) for first in range(0, clips, PER_PART)])
    _commit(store, folder, "tars", [_tars(first, clips - clips // 10) for first in range(0, clips, PER_PART)])


def film(number: int) -> str:
    return f"film-{number:07}.mp4"


def _item(key: str, uri: str, outputs: Sequence[str] = (), **fields: Any) -> Row:
    media = {"uri": uri, "size": 1000, "etag": "e", "digest": "sha256:0"}
    files = [{"key": each, "size": 1000, "digest": "sha256:0"} for each in outputs]
    made = {"source": {"uri": uri, "size": 1000}, "in": 0, "out": 12800, "timeBase": "1/12800", "frames": [0, 25]}
    return {
        "key": key, "ordinal": 0, "group": key, "weight": 1.0, "media": media, "outputs": files, "provenance": made,
        "text": "a generated caption of some words about nothing", **fields,
    }  # fmt: skip


def _ledger(key: str, ordinal: int, outcome: str = "done", reason: str = "", message: str = "") -> Row:
    return {
        "key": key, "ordinal": ordinal, "outcome": outcome, "reason": reason, "message": message, "seconds": 0.1,
        "attempt": 1,
    }  # fmt: skip


Shard = dict[str, list[Row]]
"""Folder of rows -> rows."""


def _films(first: int, count: int) -> Shard:
    return {"items": [_item(film(n), f"films/{film(n)}") for n in range(first, min(first + PER_PART, count))]}


def _clip(number: int) -> Row:
    root = NAMES["clips"].segment(1).root
    name, second = film(number // CLIPS), number % CLIPS
    return _item(
        f"{name}@{second}.000", f"films/{name}", [f"{root}/clips/{number:08}.mp4"], start=second, end=second + 1
    )


def _clips(first: int, count: int) -> Shard:
    numbers = range(first, min(first + PER_PART, count))
    films = sorted({number // CLIPS for number in numbers})
    rows = [_clip(number) for number in numbers]
    ended = [{**_ledger(film(n), n), "items": rows[(n - films[0]) * CLIPS : (n - films[0] + 1) * CLIPS]} for n in films]
    return {"items": rows, "ledger": [_ledger(film(n), n) for n in films], "outcomes": ended}


def _kept(first: int, count: int) -> Shard:
    """Rows of which every tenth was filtered."""
    found: Shard = {"items": [], "ledger": [], "outcomes": []}
    for number in range(first, min(first + PER_PART, count)):
        row = _clip(number)
        lost = ("filtered", "rule", "start is more than 8") if number % 10 == 9 else ("done", "", "")
        found["ledger"].append(_ledger(row["key"], number, *lost))
        found["outcomes"].append({**found["ledger"][-1], "items": [row] if lost[0] == "done" else []})
        found["items"] += found["outcomes"][-1]["items"]
    return found


def _tars(first: int, count: int) -> Shard:
    root = NAMES["tars"].segment(1).root
    numbers = range(first, min(first + PER_PART, count))
    found: Shard = {"items": [], "ledger": [], "outcomes": [], "lineage": []}
    for number in numbers:
        key = _clip(number + number // 9)["key"]
        found["ledger"].append(_ledger(key, number))
        found["outcomes"].append({**found["ledger"][-1], "items": []})
    for start in range(0, len(numbers), PER_TAR):
        name = f"{root}/shard-{first + start}.tar"
        end = min(start + PER_TAR, len(numbers)) - 1
        found["lineage"] += [{"file": name, "inputs": f"{start}-{end}"}, {"item": f"shard-{first + start}"}]
        found["items"].append(_item(f"shard-{first + start}", name, [name], first=first + start, last=first + end))
    return found


def _commit(store: Store, folder: Path, name: str, shards: Iterable[Shard]) -> None:
    names, parts, plans, ordinal, total = NAMES[name], [], [], 0, 0
    paths = names.segment(1)
    upstream = UPSTREAM.get(name, "")
    for number, shard in enumerate(shards):
        stored = {
            what: _upload(store, folder, getattr(paths, what)(number, *([RUN] if what != "outcomes" else [])), rows)
            for what, rows in shard.items()
            if rows
        }
        if not shard["items"] and not shard.get("ledger"):
            continue
        files = [
            Object(key=out["key"], size=out["size"], digest=out["digest"])
            for row in (shard["items"] if name == "tars" else ())
            for out in row["outputs"]
        ]
        parts.append(
            Part(
                items=stored.get("items"), ledger=stored.get("ledger"), count=len(shard["items"]),
                weight=float(len(shard["items"])), first_ordinal=ordinal, outputs=tuple(files),
                lineage=stored.get("lineage"),
            )
        )  # fmt: skip
        given = shard.get("ledger", ())
        if given:
            piece = Slice(upstream=upstream, rows="made", first=0, count=len(given), ordinal=given[0]["ordinal"])
            plans.append(ShardPlan(slices=(piece,), count=len(given), weight=1.0))
        ordinal, total = ordinal + len(shard["items"]), total + (len(given) or len(shard["items"]))
    counts = Counts(in_=total, done=total)
    definition: dict[str, object] = {"type": SOURCE.type, "params": SOURCE.params} if name == "raw" else {"stage": name}
    if upstream:
        plan = Pass(
            stage=name, key=names.key, segment=1, kind="cover", in_=total, first_ordinal=0, shards=tuple(plans),
            definition=definition, runner=RUNNER,
        )  # fmt: skip
        store.write(paths.pass_json, dump(plan), create=True)
    segment = Segment(
        state="committed", stage=name, key=names.key, segment=1, kind="cover" if upstream else "listing",
        counts=counts, totals=counts, items=ordinal, next_ordinal=ordinal, next_number=total, parts=tuple(parts),
        coverage={upstream: 1} if upstream else {}, definition=definition, flow=Flow(),
    )  # fmt: skip
    store.write(paths.segment_json, dump(segment), create=True)
    record = StageRecord(
        stage=name, key=names.key, segment=1, definition=definition, coverage=segment.coverage, totals=counts,
        items=ordinal, upstreams={upstream: NAMES[upstream].key} if upstream else {},
    )  # fmt: skip
    store.write(names.stage_json, dump(record), create=True)


def _upload(store: Store, folder: Path, key: str, rows: Iterable[Row]) -> Object:
    file = RowFile(folder / "rows.jsonl")
    for number, row in enumerate(rows):
        file.append_line(json.dumps({**row, "ordinal": number} if "/items/" in key else row).encode())
    uploaded = file.upload(store, key)
    file.close()
    (folder / "rows.jsonl").unlink()
    return uploaded


def chosen(clips: int, count: int) -> Iterator[str]:
    """The first film, or films that are as far apart as possible, so that each is in different shards."""
    films = clips // CLIPS
    return (film(0 if count == 1 else place * films // count + 1) for place in range(count))


def main() -> None:
    """One step, whose CPU time is written to a file."""
    step, folder, clips, count, report_file = sys.argv[1:]
    scratch = Path(folder) / "scratch"
    scratch.mkdir(exist_ok=True)
    store = open_store(StoreRef(uri=f"{folder}/store"), env={})
    began = time.process_time()
    if step == "plan":
        begin(store, plan_of(store, SOURCE, list(chosen(int(clips), int(count))), "2026-01-01T00:00:00Z", scratch))
    elif step == "forget":
        plan = stored_plan(store, "raw")
        assert plan is not None
        assert execute_plan(store, plan, RUNNER, scratch) == []
    else:
        found = remains(store, forgotten(store, SOURCE))
        assert found.items
        assert found.left == [], found.left[:3]
    Path(report_file).write_text(str(time.process_time() - began))


if __name__ == "__main__":
    main()
