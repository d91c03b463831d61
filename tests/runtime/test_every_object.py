"""Every kind of object that reelmill writes into a store x every kind of damage: the deep check names the object, or
the table below says why it need not, and then no later run ends otherwise.
"""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_line as toy
from damaged_objects import cut, deleted, flip, writing
from every_object import EveryObject, every_object

from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.task import Step
from reelmill.contract.task_parts.verification import VerificationTask
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.runtime.context import context
from reelmill_stages.runtime.verify.step import verify

pytestmark = pytest.mark.store  # needs no server, but a minute

Damage = Callable[[EveryObject, str], bool]
"""Damages the object with this key; returns whether it could."""


def by(change: Callable[[Path], None]) -> Damage:
    def apply(every: EveryObject, key: str) -> bool:
        change(every.store / key)
        return True

    return apply


def taken_from(find: Callable[[EveryObject, str], Path | None]) -> Damage:
    """Put another object in its place, with what the store has noted of that."""

    def apply(every: EveryObject, key: str) -> bool:
        source = find(every, key)
        if source is None or source.read_bytes() == (every.store / key).read_bytes():
            return False
        (every.store / key).unlink()
        shutil.copy2(source, every.store / key)
        return True

    return apply


def name_repeated(every: EveryObject, key: str) -> bool:
    """Write the first name of an object twice, into a file without what the store has noted of it."""
    path = every.store / key
    data = path.read_bytes()
    if not data.startswith(b'{"'):
        return False
    path.unlink()
    path.write_bytes(b'{"%b":null,%b' % (data[2 : data.index(b'"', 2)], data[1:]))
    return True


DAMAGES: dict[str, Damage] = {
    "deleted": by(deleted),
    "cut": by(cut),
    "flipped": by(flip),
    "emptied": by(writing(b"")),
    "of another": taken_from(EveryObject.elsewhere),
    "earlier": taken_from(EveryObject.earlier),
    "name repeated": name_repeated,
}

ADVISORY = {"deleted", "earlier"}
UNCOMMITTED = set(DAMAGES)
UNSEEN: dict[str, set[str]] = {
    # Who works on a pass: without it, another pipeline waits for the age of the plan instead.
    "_reelmill/heartbeat.json": ADVISORY,
    "open: _reelmill/heartbeat.json": ADVISORY,
    # Work of a run that was killed: without it, that is done again.
    "_reelmill/checkpoints/00000/*.jsonl": {"deleted"},
    "open: _reelmill/checkpoints/00000/*.jsonl": {"deleted"},
    "open: _reelmill/outcomes/00000.jsonl": {"deleted"},
    # Rows that no commit names are read by nobody: a commit writes its own.
    "open: _reelmill/items/00000-*.jsonl": UNCOMMITTED,
    "open: _reelmill/ledger/00000-*.jsonl": UNCOMMITTED,
    # What somebody looks at, and nothing is decided by.
    "_reelmill/logs/00000-*.jsonl": {*DAMAGES},
    "_reelmill/usage/00000-*.json": ADVISORY,
    "_reelmill/spending/*-89abcdef.json": ADVISORY,
    "_reelmill/drift.json": ADVISORY,
    # Notes about items that may have crashed a pod: without them, an item is tried again beside others.
    "_reelmill/flights/00000/*.json": ADVISORY,
    # A question without an answer is asked again.
    "_reelmill/answers/*.json": {"deleted"},
    # Only the blocks of built-in stages tell which pins there must be, and an earlier pin has the same digest.
    "_reelmill/pins/weights.json": ADVISORY,
    # A summary that is older than its segments is what a killed step leaves; readers go on from it, and so does a run.
    "_reelmill/stage.json": {"earlier"},
    # What it says is checked against what the store has noted of it, not parsed.
    "all.json": {"name repeated"},
    # The survey of each run replaces it. Version 0.2.0 wrote none.
    "_reelmill/runs/*.json": ADVISORY,
}


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> EveryObject:
    return every_object(tmp_path_factory.mktemp("every"))


def damaged(every: EveryObject, key: str = "") -> list[str]:
    """What the deep check names; with `key`, of the data set of that object, unless only the whole store tells."""
    data_set = key.partition("/")[0]
    names = () if data_set in ("", INTERNAL) or "/users/" in key else (data_set,)
    found = integrity(every.line.task(Step.SURVEY), os.environ, names=names, claimant=every.line.claimant)
    assert all(row.problem and row.remedy for row in found.damage)
    return [row.key for row in found.damage]


def test_a_store_with_every_kind_of_object_has_no_damage(every: EveryObject) -> None:
    assert damaged(every) == []
    assert len(every.kinds) >= 35
    assert UNSEEN.keys() <= every.kinds.keys()


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_to_every_kind_of_object_is_named(every: EveryObject, damage: str) -> None:
    unseen = set()
    for kind, key in every.kinds.items():
        with every.mended(key):
            if damage not in UNSEEN.get(kind, ()) and DAMAGES[damage](every, key) and key not in damaged(every, key):
                unseen.add(kind)
    assert unseen == set()


def test_the_verify_step_names_what_the_deep_check_names_at_the_root(every: EveryObject) -> None:
    limits = VerificationTask(began="2026-01-01T00:00:00Z", max_rate=1e9)
    for key in [key for kind, key in every.kinds.items() if key.startswith("_reelmill/")]:
        with every.mended(key):
            (every.store / key).write_bytes(b"{")
            task = every.line.task(Step.VERIFY, verification=limits)
            with context(task, os.environ, threading.Event()) as found:
                assert key in verify(found).names


def lose(every: EveryObject) -> None:
    """Do to every object what need not be seen."""
    for key in every.of(every.line):
        unseen = UNSEEN.get(every.kind(key), set())
        for damage in [name for name in ("deleted", "earlier") if name in unseen][:1]:
            DAMAGES[damage](every, key)


def ends(every: EveryObject) -> list[object]:
    """How a later run over one more item ends."""
    every.line.put("last", "99 film last\n")
    every.line.go()
    data = [every.line.data(stage.name) for stage in every.line.stages]
    for each in data:
        toy.law(each)
    assert damaged(every) == []
    return [(toy.outcomes(each), toy.contents(each), each.totals) for each in data]


def test_what_need_not_be_seen_changes_nothing_of_a_later_run(every: EveryObject, tmp_path: Path) -> None:
    whole, spoilt = every.at(tmp_path / "whole"), every.at(tmp_path / "spoilt")
    lose(spoilt)
    assert ends(spoilt) == ends(whole)
