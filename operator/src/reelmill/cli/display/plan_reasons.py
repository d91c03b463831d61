"""Why a stage would run or not: the difference between its definition and the state of the store. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.text.quantities import amount, count_of


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
    """(action, reason) for a stage; the action is `run`, `go on`, `cached` or `unknown`.

    `row` is the stage's row of the `status` command, `defaults` are those of its block. The others describe its inputs:
    `new` maps sources to their number of new items, `growing` lists stages that would run, `fresh` lists inputs
    without data, and `unknown` lists inputs whose new items are known only when the pipeline runs.
    """
    new_inputs = [
        *(f"{count} new of {name}" for name, count in new.items() if count),
        *(f"more from {name}" for name in growing),
    ]
    if row.state == "empty":
        if latest := row.latest:
            changes = list(difference(latest.definition, definition, defaults))
            return "run", shortened(changes) or f"reads {', '.join(fresh)} again"
        return "run", "never run here"
    if opened := row.pass_:
        return (
            "go on",
            f"pass {opened.segment} is open, {amount(opened.committed)} of {count_of(opened.shards, 'shard')} done",
        )
    if row.uncovered:
        return "run", ", ".join(
            f"{count_of(count, 'segment')} of {name} to cover" for name, count in row.uncovered.items()
        )
    if new_inputs:
        return "run", ", ".join(new_inputs)
    if unknown:
        names = ", ".join(unknown)
        return "unknown", f"has {count_of(row.items, 'item')}; what is new in {names} is known when the pipeline runs"
    return "cached", f"has {count_of(row.items, 'item')}"


_PARTS = ("params", "rerun", "version", "upstreams")
"""Parts of a definition, in order of presentation."""


def shortened(changes: Sequence[str]) -> str:
    """The first change and the number of others, short enough for a table cell."""
    return f"{changes[0]} (+{len(changes) - 1})" if len(changes) > 1 else "".join(changes)


def difference(old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """`count was 16, is 8` for each value that differs: parameters first, inputs last.

    Definitions omit values that equal their defaults. If the block differs, only that is reported.
    """
    if not old:
        return  # no recorded definition
    if old.get("stage") != new.get("stage"):
        yield f"block was {old.get('stage')}, is {new.get('stage')}"
        return
    before, now = dict(_leaf_values(old)), dict(_leaf_values(new))
    default_values = dict(_leaf_values(defaults, "params"))
    for path in sorted(dict.fromkeys([*before, *now]), key=_part_order):
        if before.get(path) == now.get(path):
            continue
        part, _, name = path.partition(".")
        if part == "upstreams":
            yield f"{name} changed" if path in before and path in now else f"reads {name}{_suffix(path in now)}"
        elif part == "version":
            yield "produced differently by this version of reelmill"
        else:
            was, is_ = (_value_text(values.get(path, default_values.get(path))) for values in (before, now))
            yield f"{name or part} was {was}, is {is_}"


def defaults(block: StageBlock) -> dict[str, Any]:
    """Default values of the parameters that a definition may omit, in JSON form."""
    return {
        field.alias or name: field.default
        for name, field in type(block).model_fields.items()
        if isinstance(field.default, str | int | float)
    }


def _part_order(path: str) -> int:
    part = path.partition(".")[0]
    return _PARTS.index(part) if part in _PARTS else len(_PARTS)


def _leaf_values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaf_values(child, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def _suffix(now: bool) -> str:
    return " now" if now else " no longer"


def _value_text(value: Any) -> str:
    """A value as in the pipeline file; blank strings are quoted."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)
