"""`reelmill plan`: the graph, the keys, and what a run would do, why, and how many bytes it would write."""

from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, show, size
from reelmill.cli.display.plan_reasons import defaults, verdict
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.result_rows import SourceForecast
from reelmill.contract.commands.signatures import FORECAST, STATUS
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec

COLUMNS = ("name", "block", "reads", "key", "would", "why", "items", "size")
OFFLINE = ("name", "block", "reads", "key")


def plan(
    pipeline: Target,
    offline: Annotated[
        bool, typer.Option("--offline", help="Show only the graph and the keys, without reading the store.")
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Show what a run would do, why, and how much it would write.

    Writes nothing, and does not import code that the pipeline names; that code is checked when the pipeline runs.
    """
    loaded = stored(pipeline, place, elsewhere)
    if not offline and not store_commands.offered(FORECAST.name):
        say("planning without the store: reading it requires the package reelmill-stages")
        offline = True
    rows = _graph(loaded)
    if not offline:
        _add_forecasts(loaded, rows)
    show([_table_row(row, output) for row in rows], output, columns=OFFLINE if offline else COLUMNS)


def _graph(loaded: Loaded) -> list[dict[str, Any]]:
    entries: dict[str, SourceSpec | StageSpec] = {**loaded.graph.sources, **loaded.graph.stages}
    return [
        {
            "name": name,
            "block": entry.type,
            "reads": list(loaded.graph.upstreams.get(name, ())),
            "key": loaded.keys[name],
        }
        for name, entry in entries.items()
    ]


def _add_forecasts(loaded: Loaded, rows: list[dict[str, Any]]) -> None:
    """Add `would`, `why`, `items` and `bytes` to each row."""
    task, env = store_commands.task(loaded, sources=True), store_commands.environment()
    known = {row.name: row for row in store_commands.load(STATUS)(task, env)}
    found = store_commands.load(FORECAST)(task, env)
    new: dict[str, int] = {}
    growing: set[str] = set()
    unknown: set[str] = set()
    fresh = {name for name, row in known.items() if row.state == "empty"}
    for row in rows:
        name = row["name"]
        if listed := found.sources.get(name):
            if listed.new is None:
                unknown.add(name)
            new[name] = listed.new or 0
            if listed.lists_changed and not listed.new:
                growing.add(name)
            row |= {"would": "list", "why": _listing_text(listed), "items": listed.new, "bytes": 0}
            continue
        forecast = found.stages[name]
        would, why = verdict(
            known[name],
            loaded.keys.definitions[name],
            defaults=defaults(loaded.graph.stages[name].block),
            new={upstream: new[upstream] for upstream in row["reads"] if upstream in new},
            growing=[upstream for upstream in row["reads"] if upstream in growing],
            fresh=[upstream for upstream in row["reads"] if upstream in fresh],
            unknown=[upstream for upstream in row["reads"] if upstream in unknown],
        )
        growing |= {name} if forecast.items else set()
        if forecast.items is None:
            unknown.add(name)
        if forecast.code and would != "cached":
            why += f"; {forecast.code} is checked when the pipeline runs"
        row |= {"would": would, "why": why, "items": forecast.items, "bytes": forecast.bytes}


def _listing_text(found: SourceForecast) -> str:
    if found.code:
        return f"{found.code} lists it when the pipeline runs"
    counts = {"changed": found.changed, "gone": found.vanished, "that cannot be items": found.problems}
    counts["of reelmill's passed over"] = found.hidden
    more = "".join(f", {count} {words}" for words, count in counts.items() if count)
    lists = ", rows of its lists changed" if found.lists_changed else ""
    return f"{found.listed} listed, {found.new} new{more}{lists}"


def _table_row(row: dict[str, Any], output: Format) -> dict[str, Any]:
    if not output.for_people:
        return row
    count = row.get("bytes", 0)
    return {
        **row,
        "key": row["key"][:KEY_DIGITS],
        "items": "?" if row.get("items", 0) is None else row.get("items"),
        "size": "" if count == 0 else "?" if count is None else size(count),
    }
