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
from reelmill.contract.task import Step
from reelmill_stages.commands.export import export
from reelmill_stages.commands.prune import prune
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.outputs.upload import item_mark, put_output
from reelmill_stages.runtime.remove import remove

LATER = 3600.0
"""Seconds after which nobody works on a pass that was left open."""

Spot = tuple[int, int, tuple[str, ...]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> toy.Line:
    """A store with a source, a stage of two definitions, one of them in use, and what a killed pod left."""
    line = toy.Line(tmp_path_factory.mktemp("base"))
    former = line.stage("upper")
    line.put("v")
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
    "V.txt", "cam1.mp4", "store.json", "pipelines", "trash", "upper", "raw", "lock",
)  # fmt: skip
SPOTS = st.tuples(
    st.integers(0, 14), st.integers(0, 9), st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple)
)
"""Where a file begins, what it holds or is, and its names."""


class Users:
    """What a user has put into and around a store, and how it was then."""

    def __init__(self, line: toy.Line, folder: Path, spots: list[Spot]) -> None:
        self.outside = folder / "precious"
        (self.outside / "0001").mkdir(parents=True)
        (self.outside / "thesis.txt").write_bytes(b"thesis")
        (self.outside / "0001" / "photo.jpg").write_bytes(b"photo")
        store, data = line.root / "store", sorted((line.root / "store").glob("*/*/_reelmill"))
        records = sorted((line.root / "store").rglob("*.json"))
        starts = [folder, line.root, store, store / "_reelmill", store / "upper", store / "raw"]
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
                path.write_bytes((b"mine", b"{}", b'{"key": "mine"}')[kind - 7])

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


@pytest.mark.store
@given(
    spots=st.lists(SPOTS, max_size=12),
    commands=st.lists(st.sampled_from(["run", "delete", "trash", "link", "copy"]), min_size=1, max_size=4),
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
