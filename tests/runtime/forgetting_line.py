"""A pipeline of toy stages that ran, of whose source items are forgotten, and what its whole store says of them."""

import shutil
from dataclasses import replace
from pathlib import Path

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.verification import ProgressRecord
from reelmill_stages.runtime.forget.forgetting import begin, execute_plan, plan_of, stored_plan
from reelmill_stages.runtime.forget.search.remains import forgotten, remains
from reelmill_stages.runtime.verify.digest_comparison import damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.store import Store
from runtime.toy_line import Line, law

KEYS = [f"item{number:02d}" for number in range(8)]
GONE = "item03"
RUNNER = Runner(uid="uid-1", name="default/line", run=1)
NOW = "2026-01-01T00:00:00Z"


def run_line(root: Path) -> Line:
    """A pipeline that ran once."""
    line = Line(root, shard_count=2)
    for key in KEYS:
        line.put(key, "filter dull\n" if key == "item05" else "content")
    line.stage("upper", "Upper", many=2)
    line.stage("joined", "Join", per_file=3)
    line.stage("last", "Upper")
    line.go()
    return line


def copy_of(ran: Line, to: Path) -> Line:
    """The same pipeline and its store at another place."""
    shutil.copytree(ran.root, to)
    return replace(ran, root=to, stages=list(ran.stages), rows=list(ran.rows))


def forget(line: Line, *keys: str, store: Store | None = None) -> list[str]:
    store = store or line.store
    folder = line.root / "scratch"
    folder.mkdir(exist_ok=True)
    plan = stored_plan(store, "raw")
    if plan is None:
        plan = plan_of(store, line.source, keys, NOW, folder)
        begin(store, plan)
    return execute_plan(store, plan, RUNNER, folder) or left(line)


def left(line: Line) -> list[str]:
    """Objects in which a search by digests finds something of what was forgotten."""
    return remains(line.store, forgotten(line.store, line.source)).left


def naming(line: Line, key: str) -> list[str]:
    """Objects of the store that name a key, in any case, in their name or their bytes."""
    found = []
    for path in sorted((line.root / "store").rglob("*")):
        word = key.encode()
        if path.is_file() and (word in path.name.encode().lower() or word in path.read_bytes().lower()):
            found.append(str(path.relative_to(line.root / "store")))
    return found


def texts(line: Line, stage: str) -> str:
    data = line.data(stage)
    return " ".join(data.store.read(item.media.uri).decode() for item in data.items() if item.media).lower()


def is_whole(line: Line) -> None:
    for stage in ("upper", "joined", "last"):
        law(line.data(stage))
    for name in ("raw", "upper", "joined", "last"):
        progress = VerificationProgress(ProgressRecord(store=line.store.uri))
        found = list(damaged_objects(line.data(name), Reading(line.store, None, read_all=True), progress))
        assert not found, found


def is_forgotten(line: Line) -> None:
    assert naming(line, GONE) == []
    is_whole(line)
    assert GONE not in {item.key for item in line.data("raw").items()}
