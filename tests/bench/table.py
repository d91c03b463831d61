"""The benchmark's rows as a table for a terminal and as a page, and the notes on those that miss their target."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.row import Row

HEAD = ("bench", "case", "ours", "peer", "ratio", "by CPU", "target", "")
LEFT = (0, 1, 7)
INTRO = """\
# Benchmarks

What `make bench` found on one machine. Both sides of a row run in turns, so the ratios mean more than the seconds: a
ratio of 2 says that reelmill took half the time. Ours and peer are medians; the ratio is the median over the rounds,
"by CPU" the same of CPU seconds, which other work on the machine hardly changes. All of it runs on one core, but for
the workers, the transfers and the whole chain.
"""
MISSES = {
    ("key frames", ""): "profiled, 720p GOP 48: of 0.53 s of CPU time 0.41 s decode the 76 key frames and 0.08 s scale "
    "them, which the peer does too with the same code; 0.04 s read the packet table. Feeding key packets without "
    "draining between them, or skip_frame NONKEY in one pass, changed nothing; neither did rounding less exactly",
    ("tokenize", "captions of 20 words"): "profiled: a sample has 39 tokens, and encoding them is less than half of "
    "the work; the rest is its tar header, json, mask and row, some 80 us of Python for a sample of any length",
    ("tokenize", "answers of 300 words"): "profiled: encoding is 0.21 s of 0.27 s; the rest is spread over reading the "
    "tar and its jsons, masks, and writing the packs as json, none of it above 0.01 s",
    (
        "whole chain",
        "end to end",
    ): "6 of our seconds were the start of eleven processes in a row. Since then a "
    "step puts together its own block only and loads numpy only to look at frames: 14.6 s alone, by the same command. "
    "The peer, which takes minutes, ran once",
}
"""(bench, first words of the case) -> what was tried where the target is missed."""


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Row) -> tuple[str, ...]:
    """The row under `HEAD`."""
    if row.ratio is None or row.target is None:
        return row.bench, row.case, "", "", "", "", "", row.verdict
    sides = [f"{number(side)} {row.unit}" if side is not None else "" for side in (row.ours, row.peer)]
    if row.at_most:
        return row.bench, row.case, *sides, f"{row.ratio:.1%}", "", f"<= {row.target:.0%}", row.verdict
    by_cpu = f"{number(row.cpu_ratio)}x" if row.cpu_ratio is not None else ""
    return row.bench, row.case, *sides, f"{number(row.ratio)}x", by_cpu, f">= {row.target:g}x", row.verdict


def text(rows: Sequence[Row]) -> str:
    """Aligned columns, and why rows were not run."""
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    aligned = [
        "  ".join(
            cell.ljust(width) if column in LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    reasons = [f"not run: {row.bench}, {row.case}: {row.not_run}" for row in rows if row.not_run]
    return "\n".join([*aligned, *reasons]) + "\n"


def page(result: Mapping[str, Any]) -> str:
    """docs/benchmarks.md from what docs/benchmarks.json holds."""
    rows = [Row.from_json(row) for row in result["rows"]]
    parts = [
        INTRO,
        f"Run on {result['date']} by `{result['command']}`; load average of the machine {result['load']}.\n",
        *([f"{result['remark']}\n"] if result.get("remark") else []),
        _markdown(("machine", ""), result["machine"].items()),
        "## Results\n",
        _markdown(HEAD, map(cells, rows)),
    ]
    if misses := [row for row in rows if row.verdict == "MISS"]:
        parts += ["## Misses\n", _markdown(("row", "what was tried"), ((_name(row), note(row)) for row in misses))]
    if not_run := [row for row in rows if row.not_run]:
        parts += ["## Not run\n", _markdown(("row", "why"), ((_name(row), row.not_run) for row in not_run))]
    compared = dict.fromkeys((row.bench, row.against) for row in rows if row.against)
    parts += ["## Compared with\n", _markdown(("bench", "the other side"), compared)]
    return "\n".join(parts)


def note(row: Row) -> str:
    """What was tried for a miss; what the CPU seconds say where nothing was."""
    for (bench, case), tried in MISSES.items():
        if row.bench == bench and row.case.startswith(case):
            return tried
    if row.cpu_ratio is not None and row.target is not None and row.cpu_ratio >= row.target:
        return f"by CPU seconds {number(row.cpu_ratio)}x, which reaches the target: see what else ran on the machine"
    return "nothing yet"


def _name(row: Row) -> str:
    return f"{row.bench}: {row.case}"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    shown = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in shown)
