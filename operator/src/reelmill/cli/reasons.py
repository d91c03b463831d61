"""Why a stage would run, or why it would not: the difference between what is asked for and what the store has. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def verdict(
    row: Mapping[str, Any],
    definition: Mapping[str, Any],
    *,
    new: Mapping[str, int],
    growing: Sequence[str],
    fresh: Sequence[str],
) -> tuple[str, str]:
    """(what would happen, why) for a stage.

    `row` is what `status` says of it. Of what it reads, `new` maps sources to items that are new in them, `growing`
    names stages that would run, and `fresh` what begins anew.
    """
    coming = [
        *(f"{count} new of {name}" for name, count in new.items() if count),
        *(f"more from {name}" for name in growing),
    ]
    if row["state"] == "empty":
        if latest := row["latest"]:
            return "run", "; ".join(difference(latest["definition"], definition)) or f"reads {', '.join(fresh)} anew"
        return "run", "never run here"
    if row["pass"]:
        opened = row["pass"]
        return "go on", f"pass {opened['segment']} is open, {opened['committed']} of {opened['shards']} shards are done"
    if row["uncovered"]:
        return "run", ", ".join(f"{count} segments of {name} to cover" for name, count in row["uncovered"].items())
    if coming:
        return "run", ", ".join(coming)
    return "cached", f"{row['items']} items in {row['segments']} segments"


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """`params.count: 8 was 16`, for each value that differs; upstreams by name."""
    before, now = dict(_flat(old)), dict(_flat(new))
    for path in dict.fromkeys([*before, *now]):
        if before.get(path) == now.get(path):
            continue
        if path.startswith("upstreams."):
            yield f"{path.removeprefix('upstreams.')} changed"
        else:
            yield f"{path}: {_say(now.get(path))} was {_say(before.get(path))}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _flat(child, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def _say(value: Any) -> str:
    return "default" if value is None else json.dumps(value, ensure_ascii=False)
