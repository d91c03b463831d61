"""`reelmill status`: what the store has of each source and stage."""

from collections.abc import Mapping
from typing import Any

from reelmill.cli import bridge, pipeline
from reelmill.cli.output import NARROW, Format, Output, console, duration, show

COLUMNS = ("name", "state", "segments", "items", "in", "done", "filtered", "failed", "skipped", "note")


def status(
    file: pipeline.File,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    output: Output = Format.TABLE,
) -> None:
    """Show what each source and stage has, from the store alone."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    rows = bridge.rows("status", loaded)
    noted = [{**row, "note": note(row)} for row in rows]
    narrow = output is Format.TABLE and console().width < NARROW
    show(noted, output, columns=COLUMNS[:-1] if narrow else COLUMNS)
    for row in noted if narrow else ():
        if row["note"]:
            print(f"{row['name']}: {row['note']}")


def note(row: Mapping[str, Any]) -> str:
    """What a person should know of a row besides its numbers."""
    if opened := row["pass"]:
        ago = opened["seconds_ago"]
        beat = f", last sign of life {duration(ago)} ago" if ago is not None else ""
        return f"pass {opened['segment']}: {opened['committed']} of {opened['shards']} shards{beat}"
    if row["uncovered"]:
        return "to cover: " + ", ".join(f"{count} of {name}" for name, count in row["uncovered"].items())
    if row["state"] == "empty" and row["latest"]:
        return f"its definition changed; the former data set is {row['name']}/{row['latest']['key'][:10]}"
    return ", ".join(f"{reason} {count}" for reason, count in row["reasons"].items())
