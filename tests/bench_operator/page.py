"""The results as a table for a terminal and as a page."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
MACHINE = ("CPU", "cores", "memory", "system", "Python")
TITLES = {"many": "many pipelines", "wide": "one wide stage", "ours": "reelmill", "argo": "Argo Workflows 3.7"}
INTRO = """\
# Benchmarks of the operator

This page shows the results of `make bench-operator`. Each case runs on its own control plane: a real etcd, API
server, controller manager and scheduler, with nodes simulated by kwok, whose pods end immediately. Everything,
including the operator, runs on one machine. The time is therefore that of the control plane, and the cost of the
operator is the number to compare.

A pipeline is a chain of stages. reelmill runs a survey first, and then the steps of each stage's pass (open, shards and
commit) in as few pods as it can. Argo Workflows runs one pod per shard and nothing else; its executors, which do not
run on kwok, would write one result per pod.
"""
ROWS: dict[str, tuple[str, ...]] = {
    "pipelines x stages x shards": (),
    "pods per pipeline": ("load", "pods"),
    "seconds to the last Complete": ("seconds",),
    "pods per second": ("pods a second",),
    "CPU seconds of the controller": ("CPU seconds",),
    "cores of the controller (target < 1)": ("cores",),
    "memory of the controller, MiB (target < 256)": ("MiB",),
    "API writes per pipeline": ("writes a pipeline",),
    "API writes per pod": ("writes a pipeline",),
    "reconcile p50 / p99, s": ("reconcile seconds",),
    "queue p50 / p99, s": ("queue seconds",),
    "bytes per status, mean / max": ("bytes a status",),
    "writes at rest in three lists (target 0)": ("writes at rest",),
    "duplicate Jobs (target 0)": ("duplicate Jobs",),
    "missing Jobs (target 0)": ("missing Jobs",),
    "load average of the machine": ("load average",),
}


WAVES = "waves"
"""A case without a column: its makespans are told in a sentence."""


def cell(found: Json, row: str) -> str:
    """What a case has to say to a row."""
    if not ROWS[row]:
        load = found["load"]
        return f"{load['pipelines']} x {load['stages']} x {load['shards']}"
    if row == "API writes per pod":
        return f"{found['writes a pipeline'] / found['load']['pods']:.2g}"
    value: Any = found
    for name in ROWS[row]:
        value = value.get(name, "")
    return " / ".join(f"{part:g}" for part in value.values()) if isinstance(value, Mapping) else str(value)


def table(cases: Mapping[str, Json]) -> list[list[str]]:
    """Head and rows."""
    cases = {case: found for case, found in cases.items() if case in TITLES}
    return [
        ["", *(TITLES[case] for case in cases)],
        *([row, *(cell(cases[case], row) for case in cases)] for row in ROWS),
    ]


def overlap(found: Json) -> str:
    """What waves are worth."""
    (one, alone), *others = found["makespan"].items()
    told = "; ".join(f"`waves: {waves}`: {seconds:g} s ({alone / seconds:.2f}x)" for waves, seconds in others)
    return (
        f"Makespan of {found['stages']} stages with {found['work']:g} s of work each, with one pod at a time per stage,"
        f" including control steps. `waves: {one}`: {alone:g} s; {told}."
    )


def text(cases: Mapping[str, Json]) -> str:
    """Aligned columns; of the waves alone their sentence."""
    if set(cases) == {WAVES}:
        return overlap(cases[WAVES])
    lines = table(cases)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def page(result: Json) -> str:
    """The page from what the JSON holds."""
    cases: Mapping[str, Json] = {case: found for case, found in result["cases"].items() if case in TITLES}
    head, *rows = table(cases)
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * len(cases)}", *(f"| {' | '.join(row)} |" for row in rows)]
    told: dict[str, list[str]] = {}
    for case, found in cases.items():
        if found["remark"]:
            told.setdefault(f"{found['remark']} ({found['date']})", []).append(TITLES[case])
    said = [f"- {', '.join(titles)}: {remark}" for remark, titles in told.items()]
    writes = [
        f"- {TITLES[case]}: {', '.join(f'{name} {count:g}' for name, count in found['writes'].items())}"
        for case, found in cases.items()
    ]
    machine = [f"- {name}: {text}" for name, text in result["machine"].items()]
    parts = [INTRO, "\n".join(lines), *(["\n".join(["Remarks:", "", *said])] if said else [])]
    parts += [overlap(result["cases"][WAVES])] if WAVES in result["cases"] else []
    parts += ["\n".join(["Writes per pipeline, by kind:", "", *writes]), "\n".join(["Machine:", "", *machine])]
    return "\n\n".join(part.strip() for part in parts) + "\n"
