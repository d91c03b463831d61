"""The benchmark's rows as a table for a terminal and as a page, and the notes on those that miss their target."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.row import Row

HEAD = ("bench", "case", "ours", "peer", "ratio", "by CPU", "target", "")
LEFT = (0, 1, 7)
INTRO = """\
# Benchmarks

This page shows the results of `make bench` on one machine. Each row compares reelmill with a peer, and the two run in
turns, so the ratios are more reliable than the seconds. A ratio of 2 means that reelmill took half the time. The
columns `ours` and `peer` are medians; `ratio` is the median over the rounds. `by CPU` is the same ratio of CPU
seconds, which other work on the machine hardly affects. Everything runs on one core, except the rows for workers,
transfers and the whole chain.
"""
MISSES = {
    (
        "measure",
        "all frames",
    ): "profile on a busy machine, for a frame of 720p: decoding 3 ms of CPU time, measures 1: edges 0.2, SI 0.15, "
    "flow 0.1, the small copy 0.08, blocks, combs, hue and saturation, the mean, and temporal information 0.05 each. "
    "For one of 360p: 1.0 and 0.65. libavfilter takes 20 ms and more for the same. Rows that edges, SI and combs "
    "share, and a gradient scaled by steps of more lines, took +51 to 58 % at 720p to +31 to 36, and +92 to 99 % at "
    "360p to +64 to 84. What is left at 360p are calls that cost the same at any size, and flow; with 2 frames a "
    "second, the default, the target is met",
    (
        "key frames",
        "",
    ): "profile of 720p GOP 48: of 0.53 s of CPU time, 0.41 s decode the 76 key frames and 0.08 s scale "
    "them, which the peer does with the same code; 0.04 s read the packet table. Feeding key packets without draining "
    "between them, skip_frame NONKEY in one pass, and less exact rounding made no difference",
    ("tokenize", "captions of 20 words"): "profile: a sample has 39 tokens. Since the run, samples are encoded and "
    "laid out in batches of 256, the tar is read in steps of 64 KiB and numpy writes the numbers of packs. Besides "
    "encoding, which takes 40 us, a sample takes about 20 us of CPU time instead of 40: the tar and its samples 3, "
    "JSON 2, turns 2, ids and documents 3, the payload 6, packs 4. On a busy machine the ratio by CPU was 0.64 to 0.76 "
    "(before: 0.58). For 0.9 all of that would have to take 4 us, a dozen calls of Python. Reading JSON with orjson "
    "would save 1 us; its JSON of packs has other bytes. Encoding 32 or 256 texts as one, with a control symbol "
    "between them, takes as long as one by one",
    (
        "tokenize",
        "answers of 300 words",
    ): "profile: encoding takes most of the time. Since the run, samples are encoded "
    "and laid out in batches of 256 and numpy writes the numbers of packs. On a busy machine the ratio by CPU was 0.85 "
    "to 0.93 (before: 0.82 to 0.84)",
    (
        "clip by scenes",
        "",
    ): "decoding, which both sides do alike, is most of the CPU time of both: at 720p 2.9 s of our 3.2 to 3.3 and of "
    "PySceneDetect's 3.5 to 3.7 (ffmpeg -threads 1 -f null: 3.2; PyAV's plain loop: 3.0), so that without any "
    "other work the ratio would be 1.2 to 1.3. At 360p 0.8 to 0.9 s are decoding, of 1.0 and 1.1. Our loop adds "
    "20 us a frame to the decoder. Converting only the lines of a picture that are interpolated, and summing "
    "differences in one call, halved what comes besides decoding. A smaller or grey decode, no loop filter and "
    "skipped frames change pixels, and so cuts. Wall times on a busy machine say nothing: PySceneDetect's threads "
    "get more of it",
    (
        "frames all",
        "",
    ): "profile at 720p: of 3.6 s of CPU time 2.7 decode and 0.9 scale, bicubic and exact to the bit on every "
    "machine; 0.05 write the array and 0.05 read the packet table and draw up a plan. PyAV with the same scaling "
    "gives the same pixels and needs 5 % less. Handing frames on before all that they may depend on has come out "
    "of the decoder saves 4 %, but gives up the check for damage; handing them on as soon as exactly those are "
    "out saves nothing",
    (
        "frames fps: 1",
        "1080p av1",
    ): "dav1d decodes every frame, as its interface cannot skip those that nothing depends on; both sides then do the "
    "same, and ours reads the packet table and draws up a plan besides. By CPU time, on a busy machine, both are equal",
    (
        "dedup",
        "semantic",
    ): "profile: the signature of a vector, 1.1 KB with 36 terms, takes 34 us on a busy machine. In the same minute, "
    "the work on its bytes that cannot be left out took 11.9 us, which is 84,000 per second: 2.8 to read JSON and "
    "base64, 1.4 to read the file and compare it with its digest, 3.7 to write a block with checks and its digest "
    "to scratch and store, 4 to make, sort and write 36 postings. The rest sorts by key in SQLite (about 10), looks"
    " up the terms in what was kept (6), merges postings (3) and compares candidates. Sorting only the terms that "
    "occur twice in a batch took 2 us off. Sorting without the signatures, which then lie in a file beside the "
    "database, saved nothing",
    (
        "dedup",
        "perceptual, 300",
    ): "measured at a load of 28, at which CPU seconds are longer; not profiled. 1,000,000 frames were decided at "
    "145,000 a second beside fifteen busy processes (docs/endurance.md)",
    (
        "dedup",
        "",
    ): "profile: a duplicate costs more than an input that is kept, since the kept one is read, checked and compared, "
    "and a verdict is formatted, written and sorted; half of one percent more are duplicates, and a tenth of the "
    "whole. Checks of single inputs and postings instead of whole files took a third off. What is left of the index"
    " is 50 us to open each block of 4,096 inputs, in all of which there are duplicates",
    (
        "small run",
        "one video",
    ): "about a quarter of the time is waiting for the disk: every file and folder of the store is synced, 278 times in"
    " this run, for 1.5 to 2 ms each. With TMPDIR in memory, the same command gave 1.8 and 2.0 times in two runs "
    "(before: 2.3). The rest is the import of modules, 0.5 s of CPU time of which the peer needs most too, and of what "
    "draws the report, 0.35 s, beside the steps. Drawing took 0.42 s of CPU time, now 0.13 s: matplotlib laid out all "
    "texts twice to find the margins, which the plots know; a field with one value has no plot; a picture of two sheets"
    " is decoded once; and pictures are made while plots are drawn. New folders are synced after their file instead of "
    "one by one, which leaves the file system less to do. Tried, without effect on the time: no docstrings for the "
    "classes of matplotlib (0.07 s of its import), and its import only once the survey has ended (5 % slower)",
    (
        "whole chain",
        "steady",
    ): "profile of a further video, which costs 5.7 s of CPU time: 4.5 decode the 1,816 pictures that others depend on "
    "(all 3,600 would take 7.8), 0.4 cut the clips, 0.4 scale and encode JPEGs. With no cost but decoding, the ratio "
    "would be a quarter higher",
    (
        "whole chain",
        "end to end",
    ): "6 s of reelmill's time were the start of eleven processes in sequence. Since "
    "then, a step builds only its own block, and imports numpy only to process frames: 14.6 s alone, with the same "
    "command. The peer, which takes minutes, ran once",
    (
        "film of 1 h by ranges",
        "copied clip of 10 s, bytes",
    ): "the tables of the sound. An mp4 lists them from the start, and with the first MiB, which the row leaves out, "
    "5.62 MB are transferred where 4.76 MB would do: 1.29 MB tables of the video, 0.62 MB sizes of all packets of the "
    "sound, 0.56 MB its runs of chunks before the clip, and 3.15 MB the clip. Each of the two would have to go: "
    "without the sizes the ratio is 1.23, without the runs 1.24, without both 1.04. The sizes add up to the bit rate "
    "that the muxer writes as the highest one in the header of each copied clip, so without them all stored clips "
    "would be made again. The runs cannot go: the number of a sample in a chunk is the sum of all runs before it, or "
    "behind it, and the clip is in the middle; to read them from the end would transfer less of other clips, "
    "but give other sound than a demuxer where a table contradicts itself. The ratio was 1.94 before only the "
    "needed tables were transferred, and 1.57 before demuxers found the first packets of the sound first; "
    "without sound it is 1.03",
    (
        "formats",
        "lerobot",
    ): "both sides hold the same frames in other files: ours copies the H.264 packets of the source, LeRobot's "
    "recorder encodes the frames again, in AV1. What a reader decodes for a frame depends on the codec and on "
    "how far apart key frames are; neither was measured alone",
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
        by_cpu = f"{row.cpu_ratio:.1%}" if row.cpu_ratio is not None else ""
        return row.bench, row.case, *sides, f"{row.ratio:.1%}", by_cpu, f"<= {100 * row.target:.3g}%", row.verdict
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
    for day in dict.fromkeys(row.date for row in rows if row.date not in ("", result["date"])):
        parts.append(f"Of {day}: {', '.join(dict.fromkeys(row.bench for row in rows if row.date == day))}.\n")
    if misses := [row for row in rows if row.verdict == "MISS"]:
        parts += ["## Misses\n", _markdown(("row", "what was tried"), ((_name(row), note(row)) for row in misses))]
    if not_run := [row for row in rows if row.not_run]:
        parts += ["## Not run\n", _markdown(("row", "why"), ((_name(row), row.not_run) for row in not_run))]
    compared = dict.fromkeys((row.bench, row.against) for row in rows if row.against)
    parts += ["## Peers\n", _markdown(("bench", "peer"), compared)]
    return "\n".join(parts)


def updated(kept: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The kept results with new rows in place of those of the same cases; rows of new cases follow their bench."""
    new = {(row["bench"], row["case"]): {**row, "date": result["date"]} for row in result["rows"]}
    rows = [new.pop((row["bench"], row["case"]), row) for row in kept["rows"]]
    for (bench, _), row in new.items():
        last = max((place for place, one in enumerate(rows) if one["bench"] == bench), default=len(rows) - 1)
        rows.insert(last + 1, row)
    return {**kept, "rows": rows, "remark": result["remark"] or kept.get("remark", "")}


def note(row: Row) -> str:
    """What was tried for a miss; what the CPU seconds say where nothing was."""
    for (bench, case), tried in MISSES.items():
        if row.bench == bench and row.case.startswith(case):
            return tried
    if row.cpu_ratio is not None and row.target is not None and row.cpu_ratio >= row.target:
        return f"{number(row.cpu_ratio)}x by CPU seconds, which reaches the target: check what else ran on the machine"
    return "nothing yet"


def _name(row: Row) -> str:
    return f"{row.bench}: {row.case}"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    shown = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in shown)
