"""Why a stage would run, or why it would not: the difference between what is asked for and what the store has. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reelmill.contract.command_rows import StatusRow
from reelmill.contract.spec.block import StageBlock


def verdict(
    row: StatusRow,
    definition: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any],
    new: Mapping[str, int],
    growing: Sequence[str],
    fresh: Sequence[str],
    unknown: Sequence[str],
) -> tuple[str, str]:
    """(what would happen, why) for a stage.

    `row` is what `status` says of it; `defaults` are its block's. Of what it reads, `new` maps sources to items that
    are new in them, `growing` names stages that would run, `fresh` what begins anew, and `unknown` that of which nobody
    can say here what is new.
    """
    coming = [
        *(f"{count} new of {name}" for name, count in new.items() if count),
        *(f"more from {name}" for name in growing),
    ]
    if row.state == "empty":
        if latest := row.latest:
            changes = list(difference(latest.definition, definition, defaults))
            return "run", shortened(changes) or f"reads {', '.join(fresh)} anew"
        return "run", "never run here"
    if opened := row.pass_:
        return "go on", f"pass {opened.segment} is open, {opened.committed} of {opened.shards} shards are done"
    if row.uncovered:
        return "run", ", ".join(f"{count} segments of {name} to cover" for name, count in row.uncovered.items())
    if coming:
        return "run", ", ".join(coming)
    if unknown:
        names = ", ".join(unknown)
        return "unknown", f"has {row.items} items; what is new in {names} is known when the pipeline runs"
    return "cached", f"has {row.items} items"


_PARTS = ("params", "rerun", "version", "upstreams")
"""Of a definition, in the order in which a person wants to know of them."""


def shortened(changes: Sequence[str]) -> str:
    """The first change, and how many more there are: a line of a table takes no more."""
    return f"{changes[0]} (+{len(changes) - 1})" if len(changes) > 1 else "".join(changes)


def difference(old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """`count was 16, is 8`, for each value that differs: parameters first, what is read by name last.

    A definition leaves out what is at its default. Of another block nothing more is said than that it is another one.
    """
    if not old:
        return  # there is no record of it
    if old.get("stage") != new.get("stage"):
        yield f"block was {old.get('stage')}, is {new.get('stage')}"
        return
    before, now = dict(_flat(old)), dict(_flat(new))
    there = dict(_flat(defaults, "params"))
    for path in sorted(dict.fromkeys([*before, *now]), key=_order):
        if before.get(path) == now.get(path):
            continue
        part, _, name = path.partition(".")
        if part == "upstreams":
            yield f"{name} changed" if path in before and path in now else f"reads {name}{_word(path in now)}"
        elif part == "version":
            yield "this version of reelmill makes it otherwise"
        else:
            was, is_ = (_say(values.get(path, there.get(path))) for values in (before, now))
            yield f"{name or part} was {was}, is {is_}"


def defaults(block: StageBlock) -> dict[str, Any]:
    """Parameters that a definition may leave out, in JSON form."""
    return {
        field.alias or name: field.default
        for name, field in type(block).model_fields.items()
        if isinstance(field.default, str | int | float)
    }


def _order(path: str) -> int:
    part = path.partition(".")[0]
    return _PARTS.index(part) if part in _PARTS else len(_PARTS)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _flat(child, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def _word(now: bool) -> str:
    return " now" if now else " no more"


def _say(value: Any) -> str:
    """A value as the pipeline file has it; quotes only where there would be nothing to see."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)
