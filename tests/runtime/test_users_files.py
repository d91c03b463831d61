"""Files of the user's, beside, below and above a store: whatever runs, they are byte-equal afterwards."""

import json
import os
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import ReelmillError
from reelmill.contract.task import Connection, Step, StoreRef
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.repair import repair
from reelmill_stages.commands.lineage.forget import forget, release
from reelmill_stages.commands.prune import prune
from reelmill_stages.commands.versions.freeze import freeze, thaw
from reelmill_stages.records.record_names import record_model
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.outputs.upload import item_mark, put_output
from reelmill_stages.runtime.remove import remove
from servers.processes import Server
from servers.s3_servers import make_bucket

COMMANDS = ("run", "delete", "trash", "link", "copy", "forget", "release", "freeze", "thaw", "repair")
NOW = "2026-01-01T00:00:00Z"
LATER = 3600.0
"""Seconds after which nobody works on a pass that was left open."""

Spot = tuple[int, int, tuple[str, ...]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """A store with a source, a stage of two definitions, one of them in use, and what a killed pod left."""
    line = toy.Line(tmp_path_factory.mktemp("base"))
    former = line.stage("upper")
    line.put("v")
    line.put("w")
    line.go()
    left = line.root / "left.txt"
    left.write_text("left")
    key = f"upper/{former.key[:10]}/0001/out/left.txt"
    put_output(line.store, key, left, item_mark(former.key, 1, "v"))
    line.stages.clear()
    line.stage("upper", "Upper", many=2)
    line.go()
    line.survey()
    return line


def at(base: toy.Line, root: Path) -> toy.Line:
    """A copy of a line, its store and its source included."""
    shutil.copytree(base.root, root, symlinks=True)
    line = toy.Line(root, stages=list(base.stages), rows=list(base.rows), run=base.run)
    line.ref = None
    return line


NAMES = (
    "2026010112", "0123456789", "_reelmill", "users", "pins", "shards", "items", "latest.json", "stage.json",
    "segment.json", "pass.json", "all.json", "mine.json", "00000.json", "00000-1-0123abcd.jsonl", "0001", "0002", "out",
    "V.txt", "cam1.mp4", "store.json", "pipelines", "trash", "upper", "raw", "lock", "frozen", "kept", "kept.json",
    "forgotten", "forgetting", "raw.json",
)  # fmt: skip
LIKE_RECORDS = (
    "inputs/raw-1-0123abcd.jsonl", "logs/00000-1-0123abcd.jsonl", "items/00000-1-0123abcd.jsonl",
    "ledger/00007-1-0123abcd.jsonl", "checkpoints/00000/1-0123abcd.jsonl", "outcomes/00000.jsonl",
    "flights/00000/1-0123abcd.json", "commit-logs/1-0123abcd.jsonl", "reports/0123456789.html", "plans/00001.json",
    "verdicts/00000-1-0123abcd.jsonl", "kept/block-00001-1-0123abcd.bin", "upper/0123456789/V.txt",
    "usage/00000-1-0123abcd.json",
    f"answers/00/{'0' * 64}.json", "0002/_reelmill/outcomes/00000.jsonl", "0001/_reelmill/reports/0123456789.html",
    f"forgotten/raw/{'0' * 64}.json", "forgotten/raw/0123456789.names.json", "runs/uid-1.json",
    "verifications/uid-1.json", "recordings/2026010112/0001/_reelmill/reports/0123456789.html",
)  # fmt: skip
SPOTS = st.tuples(
    st.integers(0, 14),
    st.integers(0, 10),
    st.one_of(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple),
        st.sampled_from(LIKE_RECORDS).map(lambda path: tuple(path.split("/"))),
    ),
).filter(lambda spot: spot[1] != 4 or spot[2][-1].endswith(".json"))
"""Where a file begins, what it holds or is, and its names. With the attribute of a file that reelmill wrote, and a name
that only rows of reelmill's have, nothing tells a file from what lies in a store that was copied as a whole.
"""


class Users:
    """What a user has put into and around a store, and how it was then."""

    def __init__(self, line: toy.Line, folder: Path, spots: list[Spot]) -> None:
        self.outside = folder / "precious"
        (self.outside / "0001").mkdir(parents=True)
        (self.outside / "thesis.txt").write_bytes(b"thesis")
        (self.outside / "0001" / "photo.jpg").write_bytes(b"photo")
        store, data = line.root / "store", sorted((line.root / "store").glob("*/*/_reelmill"))
        records = sorted((line.root / "store").rglob("*.json"))
        starts = [folder, line.root, store, store / "_reelmill", store / "_reelmill/frozen/kept", store / "upper"]
        starts += [each for found in data for each in (found, found.parent, found.parent / "0001/_reelmill")]
        self.roots: list[Path] = [self.outside]
        for start, kind, names in spots:
            path = starts[start % len(starts)].joinpath(*names)
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                if not os.path.lexists(path) and not any(parent.is_symlink() for parent in path.parents):
                    self._put(path, kind, records)
                    self.roots.append(path)
        self.before = self.now()

    def _put(self, path: Path, kind: int, records: list[Path]) -> None:
        match kind:
            case 0:
                path.symlink_to(self.outside)
            case 1:
                path.symlink_to(self.outside / "thesis.txt")
            case 2:
                path.symlink_to(path.parent)
            case 3:
                path.symlink_to("nowhere")
            case 4 | 5:  # a record that reelmill wrote elsewhere, with and without the store's attribute
                record = records[len(path.parts) * 7 % len(records)]
                (shutil.copy2 if kind == 4 else shutil.copyfile)(record, path)
            case 6:
                path.write_text(json.dumps({"namespace": "default", "name": "line", "uid": path.stem}))
            case _:
                path.write_bytes((b"mine", b"{}", b'{"key": "mine"}', b'{"key": "v", "message": "v"}\n')[kind - 7])

    def now(self) -> Mapping[str, bytes | str]:
        found: dict[str, bytes | str] = {}
        for root in self.roots:
            for path in [root, *root.rglob("*")] if root.is_dir() and not root.is_symlink() else [root]:
                if path.is_symlink():
                    found[str(path)] = str(path.readlink())
                elif path.is_file():
                    found[str(path)] = path.read_bytes()
        return found


def do(line: toy.Line, what: str, out: Path) -> None:
    """One command, as a user gives it. It may refuse, with an error of reelmill's own."""
    task = line.task(Step.SURVEY)
    with suppress(ReelmillError):
        match what:
            case "run":
                line.survey()
                line.advance()
            case "delete" | "trash":
                prune(task, os.environ, delete=True, trash=what == "trash", now=time.time() + LATER)
            case "remove":
                with context(line.task(Step.REMOVE), os.environ, threading.Event()) as found:
                    remove(found)
            case "link" | "copy":
                export(task, os.environ, "upper", out, what)
            case "forget":
                forget(task, os.environ, source="raw", keys=["v"], moment=NOW, act=True)
            case "release":
                release(task, os.environ, source="raw", keys=["v"], moment=NOW, user="ann", act=True)
            case "freeze":
                freeze(task, os.environ, "kept", stages=(), moment=NOW)
            case "thaw":
                thaw(task, os.environ, "kept")
            case "repair":
                repair(task, os.environ, timeouts={"upper": 30.0}, now=time.time())


@pytest.mark.store
@given(
    spots=st.lists(SPOTS, max_size=12),
    commands=st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=4),
    last=st.sampled_from(["remove", "delete", "trash"]),
    released=st.booleans(),
)
def test_files_of_users_are_never_changed(
    base: toy.Line,
    tmp_path_factory: pytest.TempPathFactory,
    spots: list[Spot],
    commands: list[str],
    last: str,
    released: bool,
) -> None:
    folder = tmp_path_factory.mktemp("users")
    line = at(base, folder / "line")
    users = Users(line, folder, spots)
    if released:
        line.uid = "uid-2"  # claims nothing: the data sets of the first are its own, or nobody's
    for command in [*commands, last]:
        do(line, command, folder / "out")
        assert users.now() == users.before, command
    shutil.rmtree(folder)


@pytest.mark.store
@pytest.mark.parametrize("name", LIKE_RECORDS)
def test_a_file_with_the_name_of_a_record_is_not_changed(base: toy.Line, tmp_path: Path, name: str) -> None:
    kind = {".json": 8, ".jsonl": 10}.get(Path(name).suffix, 7)
    line = at(base, tmp_path / "line")
    users = Users(line, tmp_path, [(start, kind, tuple(name.split("/"))) for start in range(15)])
    for command in (*COMMANDS, "remove"):
        do(line, command, tmp_path / "out")
        assert users.now() == users.before, command


@pytest.fixture
def line(base: toy.Line, tmp_path: Path) -> toy.Line:
    return at(base, tmp_path / "line")


def test_footage_in_folders_that_look_like_keys_is_no_data_set(line: toy.Line) -> None:
    footage = line.root / "store" / "recordings" / "2026010112" / "0001" / "cam1.mp4"
    footage.parent.mkdir(parents=True)
    footage.write_bytes(b"footage")
    found = prune(line.task(Step.SURVEY), os.environ, delete=True, now=time.time() + LATER)
    assert [row.name for row in found.rows] == ["upper"]
    assert footage.read_bytes() == b"footage"


@pytest.mark.store
def test_objects_of_users_in_a_bucket_are_not_changed(
    s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    ref = StoreRef(uri=f"s3://{make_bucket(s3_server)}/data", connection=Connection(endpoint=s3_server.endpoint))
    line = toy.Line(tmp_path, ref=ref)
    data = f"upper/{line.stage('upper').key[:10]}"
    line.put("v")
    line.put("w")
    line.go()
    mine = [f"{data}/{name}" for name in ("V.txt", "0001/mine.txt", "_reelmill/mine.json")]
    # What is no tombstone would have every command refuse.
    names = [name for name in LIKE_RECORDS if not name.startswith("forgotten/")]
    mine += [f"{start}/{name}" for start in ("_reelmill", "_reelmill/frozen/kept", "raw") for name in names]
    mine += [f"{data}/0001/_reelmill/{name}" for name in names if record_model(f"0001/_reelmill/{name}")]
    for key in mine:
        line.store.write(key, b"{}")
    for command in (*COMMANDS, "remove"):
        do(line, command, tmp_path / "out")
        there = {stat.key for stat in line.store.list()}
        assert {key: line.store.read(key) if key in there else b"" for key in mine} == dict.fromkeys(mine, b"{}"), (
            command
        )
