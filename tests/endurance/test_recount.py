"""The independent recount accepts what a run wrote, and sees every kind of damage and of miscounting."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "runtime"))

import toy_line as toy

from endurance.recount import Recount, committed

Json = dict[str, Any]


pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two segments of a stage, with a failed item and one that is filtered."""
    folder = tmp_path_factory.mktemp("line")
    line = toy.Line(folder, shard_count=1)
    for number in range(5):
        line.put(f"v{number}")
    line.put("bad", "fail broken")
    line.put("dull", "filter dull")
    line.stage("upper", many=2)
    line.go()
    line.put("more")
    line.go()
    return folder / "store"


@pytest.fixture
def store(written: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(written, tmp_path / "store", symlinks=True)


def problems(store: Path) -> list[str]:
    recount = Recount(store, {"upper": "raw"})
    recount.count(["raw", "upper"])
    return recount.problems


def only(store: Path, pattern: str) -> Path:
    return min(store.glob(pattern))


def changed(path: Path, change: Callable[[Json], None]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.unlink()
    path.write_text(json.dumps(record))


def test_what_a_run_wrote_is_accepted(store: Path) -> None:
    recount = Recount(store, {"upper": "raw"})
    counted = recount.count(["raw", "upper"])
    assert recount.problems == []
    assert counted["upper"].segments == 2
    assert len(counted["upper"].items) == 12
    assert counted["upper"].rows["bad"] == ("failed", "broken")
    assert committed(store).keys() >= counted["upper"].files.keys()


def flipped(store: Path) -> None:
    path = only(store, "upper/*/0001/*/*.txt")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def shortened(store: Path) -> None:
    path = only(store, "upper/*/0001/_reelmill/ledger/*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    path.write_bytes(b"".join(lines[:-1]))


def removed(store: Path) -> None:
    only(store, "upper/*/0001/*/*.txt").unlink()


def miscounted(store: Path) -> None:
    changed(only(store, "upper/*/0001/_reelmill/segment.json"), lambda told: told["counts"].update(done=99))


def mistotalled(store: Path) -> None:
    changed(only(store, "upper/*/0002/_reelmill/segment.json"), lambda told: told["totals"].update(failed=2))


def uncovered(store: Path) -> None:
    changed(only(store, "upper/*/0002/_reelmill/segment.json"), lambda told: told["covers"].update(raw=[3, 3]))


def read_twice(store: Path) -> None:
    def change(plan: Json) -> None:
        plan["shards"][0]["slices"] *= 2

    changed(only(store, "upper/*/0001/_reelmill/pass.json"), change)


def left_open(store: Path) -> None:
    only(store, "upper/*/0002/_reelmill/segment.json").unlink()


@pytest.mark.parametrize(
    "damage", [flipped, shortened, removed, miscounted, mistotalled, uncovered, read_twice, left_open]
)
def test_damage_and_miscounting_are_seen(store: Path, damage: Callable[[Path], None]) -> None:
    damage(store)
    assert problems(store)
