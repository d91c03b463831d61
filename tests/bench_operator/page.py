"""The results as a table for a terminal and as a page."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
MACHINE = ("CPU", "cores", "memory", "system", "Python")
TITLES = {
    "many": "many pipelines",
    "wide": "one wide stage",
    "ours": "reelmill",
    "argo": "Argo Workflows 3.7",
    "small": "small pipelines",
}
INTRO = """\
# Benchmarks of the operator

This page shows the results of `make bench-operator`. Each case runs on its own control plane: a real etcd, API
server, controller manager and scheduler, with nodes simulated by kwok, whose pods end immediately. Everything,
including the operator, runs on one machine. The times therefore depend mainly on the control plane; compare the cost
of the operator.

A pipeline is a chain of stages. reelmill runs a survey first, and then the steps of each stage's pass (open, shards and
commit) in as few pods as possible. Argo Workflows runs only one pod per shard; its executors, which do not run on kwok,
would write one result per pod.

Counts per pipeline are the same on a busy machine, except for writes of progress in slow runs. Times are not, and are
published only from an otherwise idle machine. Counts and times may therefore be from different runs: each has its date.
Times that are older than the counts were measured with the code of that date.
"""
CASE = "pipelines x stages x shards"
COUNTS: dict[str, str] = {
    "pods per pipeline": "pods",
    "pods that start in sequence": "pod starts in a row",
    "API writes per pipeline (target <= 30)": "writes a pipeline",
    "API writes per pod": "",
    "API reads per pipeline": "reads a pipeline",
    "bytes per status, mean / max": "bytes a status",
    "writes in idle state during three lists (target 0)": "writes at rest",
    "duplicate Jobs (target 0)": "duplicate Jobs",
    "missing Jobs (target 0)": "missing Jobs",
}
TIMES: dict[str, str] = {
    "seconds to the last Complete": "seconds",
    "pods per second": "pods a second",
    "CPU seconds of the controller": "CPU seconds",
    "CPU milliseconds of the controller per pipeline": "CPU ms a pipeline",
    "cores of the controller (target < 1)": "cores",
    "memory of the controller, MiB (target < 256)": "MiB",
    "reconcile p50 / p99, s (target p99 < 0.5)": "reconcile seconds",
    "queue p50 / p99, s": "queue seconds",
}
WAVES = "waves"
"""A case without a column, whose makespans are described in a sentence."""


def _text(value: Any) -> str:
    return " / ".join(f"{part:g}" for part in value.values()) if isinstance(value, Mapping) else str(value)


def _case(part: Json) -> str:
    load = part["run"]["load"]
    return f"{load['pipelines']} x {load['stages']} x {load['shards']}"


def _count(part: Json, row: str) -> str:
    if not COUNTS[row]:
        return f"{part['writes a pipeline'] / part['pods']:.2g}"
    return _text(part.get(COUNTS[row], ""))


def table(cases: Mapping[str, Json]) -> list[list[str]]:
    """Head and rows: the counts, then the times, each with what was run and when."""
    shown = [(title, cases[case]) for case, title in TITLES.items() if case in cases]
    counts = [found.get("counts") for _, found in shown]
    times = [found.get("times") for _, found in shown]

    def row(name: str, parts: list[Json | None], cell: Any) -> list[str]:
        return [name, *(cell(part) if part else "" for part in parts)]

    return [
        ["", *(title for title, _ in shown)],
        row(f"counts of {CASE}", counts, _case),
        row("counted on", counts, lambda part: part["run"]["date"]),
        *(row(name, counts, lambda part, name=name: _count(part, name)) for name in COUNTS),
        row(f"times of {CASE}", times, _case),
        row("timed on", times, lambda part: part["run"]["date"]),
        *(row(name, times, lambda part, key=key: _text(part.get(key, ""))) for name, key in TIMES.items()),
        row("load average of the machine", times, lambda part: part["run"]["load average"]),
    ]


def overlap(found: Json) -> str:
    """A sentence about the effect of waves."""
    times, load = found["times"], found["times"]["run"]["load"]
    (one, alone), *others = times["makespan"].items()
    told = "; ".join(f"`waves: {waves}`: {seconds:g} s ({alone / seconds:.2f}x)" for waves, seconds in others)
    return (
        f"Makespan of {load['stages']} stages with {times['work']:g} s of work each, with one pod at a time per stage,"
        f" including control steps, timed on {times['run']['date']}. `waves: {one}`: {alone:g} s; {told}."
    )


def text(cases: Mapping[str, Json]) -> str:
    """Aligned columns, or only the sentence for waves."""
    if set(cases) == {WAVES}:
        return overlap(cases[WAVES])
    lines = table(cases)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def page(result: Json) -> str:
    """The page from the content of the JSON."""
    cases: Mapping[str, Json] = result["cases"]
    shown = [case for case in TITLES if case in cases]
    head, *rows = table(cases)
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * len(shown)}", *(f"| {' | '.join(row)} |" for row in rows)]
    parts = [INTRO, "\n".join(lines), *_remarks(cases, shown)]
    parts += [overlap(cases[WAVES])] if WAVES in cases else []
    parts += [_requests(cases, shown, "writes"), _requests(cases, shown, "reads"), _machines(cases)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _remarks(cases: Mapping[str, Json], shown: list[str]) -> list[str]:
    """Remarks about timed runs."""
    told: dict[str, list[str]] = {}
    for case in shown:
        run = cases[case].get("times", {}).get("run", {})
        if run.get("remark"):
            told.setdefault(f"{run['remark']} ({run['date']})", []).append(TITLES[case])
    lines = [f"- {', '.join(titles)}: {remark}" for remark, titles in told.items()]
    return ["\n".join(["Remarks:", "", *lines])] if lines else []


def _requests(cases: Mapping[str, Json], shown: list[str], what: str) -> str:
    lines = [
        f"- {TITLES[case]}: {', '.join(f'{name} {count:g}' for name, count in found.items())}"
        for case in shown
        if (found := cases[case].get("counts", {}).get(what))
    ]
    return "\n".join([f"{what.capitalize()} per pipeline, by kind:", "", *lines]) if lines else ""


def _machines(cases: Mapping[str, Json]) -> str:
    """The machines on which times were measured; mostly one."""
    told: dict[tuple[str, ...], list[str]] = {}
    for case, found in cases.items():
        if machine := found.get("times", {}).get("machine"):
            told.setdefault(tuple(f"{name}: {value}" for name, value in machine.items()), []).append(case)
    lines = []
    for machine, those in told.items():
        lines.append("Times were measured on:" if len(told) == 1 else f"Times of {', '.join(those)} were measured on:")
        lines += ["", *(f"- {part}" for part in machine), ""]
    return "\n".join(lines)
