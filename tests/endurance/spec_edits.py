"""Edits of the stages of a pipeline by a user, at any moment of a run."""

import copy
import random
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Stages = list[Json]


def _rename(stages: Stages, chance: random.Random) -> None:
    """Rename a stage, and the inputs of the stages that read it."""
    one = chance.choice(stages)
    old, new = one["name"], f"{one['name'].partition('-')[0]}-{chance.randint(1, 99)}"
    if any(stage["name"] == new for stage in stages):
        return
    one["name"] = new
    for stage in stages:
        stage["from"] = [new if name == old else name for name in stage["from"]]


def _remove(stages: Stages, chance: random.Random) -> None:
    """Remove a stage that no other one reads."""
    read = {name for stage in stages for name in stage["from"]}
    unread = [stage for stage in stages if stage["name"] not in read]
    if len(stages) > 1:
        stages.remove(chance.choice(unread))


def _insert(stages: Stages, chance: random.Random) -> None:
    """Insert a stage between another one and its first input."""
    number = chance.randrange(len(stages))
    reader, name = stages[number], f"extra-{chance.randint(1, 99)}"
    # An index reads tars.
    if "index" in reader or any(stage["name"] == name for stage in stages):
        return
    above, *others = reader["from"]
    failures = {"tolerate": "100%", "attempts": 5}
    shards = chance.choice([1, 2])
    stages.insert(
        number,
        {"name": name, "from": [above], "clip": {"by": "length"}, "failures": failures, "shards": shards},
    )
    reader["from"] = [name, *others]


def _reorder(stages: Stages, chance: random.Random) -> None:
    """Swap two neighbours of which neither reads the other."""
    pairs = [at for at in range(len(stages) - 1) if stages[at]["name"] not in stages[at + 1]["from"]]
    if pairs:
        at = chance.choice(pairs)
        stages[at], stages[at + 1] = stages[at + 1], stages[at]


def _change(stages: Stages, chance: random.Random) -> None:
    """Change a parameter of a stage, to one of a few values, so that earlier ones return."""
    one = chance.choice(stages)
    if "frames" in one:
        one["frames"] = {"count": chance.choice([16, 32, 48])}
    elif "clip" in one:
        one["clip"] = {"by": "length", "maxLength": chance.choice(["10s", "20s", "30s"])}
    else:
        one["rerun"] = chance.choice(["", "once", "twice"])


_EDITS: dict[str, Callable[[Stages, random.Random], None]] = {
    "rename": _rename,
    "remove": _remove,
    "insert": _insert,
    "reorder": _reorder,
    "change": _change,
}
EDITS = tuple(_EDITS)


def edit_stages(stages: Stages, edit: str, chance: random.Random) -> Stages:
    """The stages after an edit, which may leave them unchanged if there is nothing to edit in this way."""
    copies = copy.deepcopy(stages)
    _EDITS[edit](copies, chance)
    return copies
