"""Forgetting that is killed before a change is continued by whoever follows the plan, and leaves whole data sets."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from reelmill_stages.store import Store
from runtime.forgetting_line import (
    GONE,
    copy_of,
    forget,
    is_forgotten,
    is_whole,
    naming,
    run_line,
    texts,
)
from runtime.toy_line import Line

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return run_line(tmp_path_factory.mktemp("forget"))


class Killed(BaseException):
    """The process is gone."""


class MortalStore:
    """A store whose process is gone before change number `at`."""

    def __init__(self, store: Store, at: int) -> None:
        self._store, self._at, self.changes = store, at, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("write", "delete", "move"):
            return found

        def changing(*given: Any, **more: Any) -> Any:
            self.changes += 1
            if self.changes == self._at:
                raise Killed
            return found(*given, **more)

        return changing


def killed_at(ran: Line, folder: Path, changes: range) -> None:
    """The process is killed before each of these changes, and another one continues."""
    for at in changes:
        line = copy_of(ran, folder / "killed")
        with pytest.raises(Killed):
            forget(line, GONE, store=MortalStore(line.store, at))  # type: ignore[arg-type]
        is_whole(line)
        for stage in ("upper", "joined", "last"):
            assert texts(line, stage)
        assert forget(line, GONE) == []
        is_forgotten(line)
        shutil.rmtree(line.root)


def changes_of(ran: Line, folder: Path) -> int:
    line = copy_of(ran, folder / "counted")
    mortal = MortalStore(line.store, 0)
    forget(line, GONE, store=mortal)  # type: ignore[arg-type]
    return mortal.changes


def test_016_f06_a_kill_before_every_other_change_is_continued_and_leaves_whole_data_sets(
    ran: Line, tmp_path: Path
) -> None:
    changes = changes_of(ran, tmp_path)
    assert changes > 20
    killed_at(ran, tmp_path, range(1, changes + 1, 2))


def test_a_kill_leaves_no_message_of_another_input(tmp_path: Path) -> None:
    line = Line(tmp_path / "ran")
    line.root.mkdir()
    line.put(GONE)
    line.stage("upper", "Upper")
    line.go()
    line.list_row({"key": "other", "problem": ["double", f"the same as {GONE}"]})
    line.go()
    for at in range(1, changes_of(line, tmp_path) + 1):
        killed = copy_of(line, tmp_path / f"killed-{at}")
        with pytest.raises(Killed):
            forget(killed, GONE, store=MortalStore(killed.store, at))  # type: ignore[arg-type]
        assert forget(killed, GONE) == []
        assert naming(killed, GONE) == []
