"""Output of the benchmark's rows as a table for a terminal and as a page, with notes on missed targets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.row import Row

HEAD = ("bench", "case", "ours", "peer", "ratio", "by CPU", "target", "")
LEFT = (0, 1, 7)
INTRO = """\
# Benchmarks

This page shows the results of `make bench` on one machine. Each row compares reelmill with a peer. The two run
alternately, so the ratios are more reliable than the seconds. A ratio of 2 means that reelmill took half the time. The
columns `ours` and `peer` are medians; `ratio` is the median over the rounds. `by CPU` is the same ratio for CPU
seconds, which other work on the machine hardly affects. Everything runs on one core, except the rows for workers,
transfers and the whole chain.
"""
MISSES = {
    ("measure", "all frames"): (
        "profile per frame, in CPU time: at 720p, decoding takes 3 ms and measures 0.8 to 0.9; at 360p 0.9 to 1.0 and "
        "0.5 to 0.6 ms: edges 0.09 to 0.12, flow 0.07 and its copy 0.02, SI 0.08 to 0.15, saturation, hue, blocks and "
        "combs 0.04 each, the mean and the small copy 0.02 to 0.05. libavfilter takes 20 ms and more for the same. "
        "Each is already a few calls of OpenCV or numpy on selected rows; computing SI from the rows that edges smooth "
        "and finding steep edges by binary search saved nothing. The rest at 360p are flow and calls whose cost does "
        "not depend on the size; with 2 frames per second, the default, the target is met"
    ),
    ("key frames", ""): (
        "profile of 720p GOP 48: of 0.53 s of CPU time, 0.41 s decode the 76 key frames and 0.08 s scale them, "
        "which the peer does with the same code; 0.04 s read the packet table. Feeding key packets without "
        "draining between them, skip_frame NONKEY in one pass, and less exact rounding made no difference"
    ),
    ("tokenize", "captions of 20 words"): (
        "profile: a sample has 39 tokens. Besides encoding, which takes 40 us, a sample takes 20 to 30 us of CPU time, "
        "depending on what else runs: the tar and its samples, JSON and turns 13 to 17, documents 5, the payload and "
        "packs 6. For 0.9, all of this would have to take 4 us, the time of a dozen Python calls. Fewer runs of the "
        "garbage collector change nothing. Reading JSON with orjson would save 1 us, but would change the bytes of "
        "packs. Encoding 32 or 256 texts as one, separated by a control symbol, takes as long as encoding them one by "
        "one"
    ),
    ("tokenize", "answers of 300 words"): (
        "profile: encoding takes 85% of the CPU time; of the rest, lists of tokens take a fifth, packs and their JSON "
        "a third"
    ),
    ("clip by scenes", ""): (
        "decoding, which is the same on both sides, is most of the CPU time of both: at 720p 2.9 s of our 3.2 to "
        "3.3 s and of PySceneDetect's 3.5 to 3.7 s (ffmpeg -threads 1 -f null: 3.2; PyAV's plain loop: 3.0). "
        "Without any other work, the ratio would be 1.2 to 1.3. At 360p, decoding is 0.8 to 0.9 s of 1.0 and 1.1."
        " Our loop adds 20 us per frame to the decoder. Converting only the lines of a picture that are "
        "interpolated, and summing differences in one call, halved the time besides decoding. Decoding at a "
        "smaller size or in grey, without the loop filter or with skipped frames changes pixels, and therefore "
        "cuts. Wall times on a busy machine are meaningless, because PySceneDetect's threads get a larger share "
        "of it"
    ),
    ("frames all", ""): (
        "profile at 720p: of 3.6 s of CPU time, 2.7 decode and 0.9 scale, bicubic and bit-exact on every machine;"
        " 0.05 write the array and 0.05 read the packet table and make a plan. decord scales without exact rounding. "
        "PyAV with the same scaling "
        "produces the same pixels and needs 5% less. Passing frames on before all frames that they may depend on "
        "have left the decoder saves 4%, but gives up the check for damage; passing them on as soon as exactly "
        "those have left it saves nothing"
    ),
    ("dedup", "semantic"): (
        "profile: the signature of a vector, 1.1 KB with 36 terms, takes 34 us on a busy machine. In the same "
        "minute, the unavoidable work on its bytes took 11.9 us, which is 84,000 per second: 2.8 to read JSON and"
        " base64, 1.4 to read the file and verify its digest, 3.7 to write a block with checksums and its digest "
        "to scratch and store, 4 to make, sort and write 36 postings. The rest sorts by key in SQLite (about 10),"
        " looks up the terms in the kept items (6), merges postings (3) and compares candidates. Sorting only the"
        " terms that occur twice in a batch saved 2 us. Sorting without the signatures, stored in a file next to "
        "the database, saved nothing"
    ),
    ("dedup", "perceptual, one percent"): (
        "44 ms of CPU time, as before; the share rose from 1.8% because the decision about all took 2.04 s instead of "
        "2.42. A fifth of the 44 ms is the binary search for the terms of 3,000 frames, which reads nearly every page "
        "of the postings. Aligning frames that match one to one without a search saves 0.03 ms per compared pair"
    ),
    ("dedup", ""): (
        "profile: a duplicate costs more than a kept input, because the kept one is read, verified and compared, "
        "and a verdict is formatted, written and sorted; half of the additional percent are duplicates, and a "
        "tenth of the whole. Checksums of single inputs and postings instead of whole files saved a third. The "
        "remaining cost of the index is 50 us to open each block of 4,096 inputs; all blocks contain duplicates"
    ),
    ("small run", "one video"): (
        "about a quarter of the time is spent waiting for the disk: each file and folder of the store is synced, "
        "278 times in this run, at 1.5 to 2 ms each. With TMPDIR in memory, the same command took 1.8 and 2.0 "
        "times as long as the peer in two runs (before: 2.3). The rest is importing modules, 0.5 s of CPU time, "
        "most of which the peer also needs, and importing the modules that draw the report, 0.35 s, in parallel "
        "with the steps. Drawing now takes 0.13 s of CPU time instead of 0.42 s: matplotlib computed the layout "
        "of all texts twice to find the margins, which are now fixed; a field with a single value has no plot; a "
        "picture on two sheets is decoded once; and pictures are made while plots are drawn. Tried without effect "
        "on the time: removing docstrings from the classes of matplotlib (0.07 s of its import), and syncing new "
        "folders after their file instead of one by one. Importing matplotlib only after the survey was 5% slower"
    ),
    ("whole chain", "steady"): (
        "profile of one more video, which costs 5.7 s of CPU time: 4.5 decode the 1,816 pictures on which others "
        "depend (all 3,600 would take 7.8), 0.4 cut the clips, 0.4 scale and encode JPEGs. If only decoding had a"
        " cost, the ratio would be a quarter higher"
    ),
    ("whole chain", "end to end"): (
        "6 s of reelmill's time were the start of eleven processes in sequence. Since then, a step builds only "
        "its own block, and imports numpy only to process frames: 14.6 s alone, with the same command. The peer, "
        "which takes minutes, ran once"
    ),
    ("film of 1 h by ranges", "copied clip of 10 s, bytes"): (
        "the cause is the tables of the audio. An mp4 lists them from the start. With the first MiB, which the "
        "row excludes, 5.62 MB are transferred, while 4.76 MB would meet the target: 1.29 MB tables of the video,"
        " 0.62 MB sizes of all packets of the audio, 0.56 MB its runs of chunks before the clip, and 3.15 MB the "
        "clip. Both audio tables would have to be avoided: without the sizes the ratio is 1.23, without the runs "
        "1.24, without both 1.04. The sum of the sizes is the bit rate that the muxer writes as the maximum in "
        "the header of each copied clip, so without them all stored clips would be made again. The runs are "
        "needed: the number of a sample in a chunk is the sum of all runs before it, or after it, and the clip is"
        " in the middle. Reading them from the end would transfer less for other clips, but would return other "
        "audio than a demuxer if a table contradicts itself. The ratio was 1.94 before only the needed tables "
        "were transferred, and 1.57 before the first packets of the audio were placed first for demuxers; without"
        " audio it is 1.03"
    ),
    ("rows", "items written"): (
        "the least that Python needs is in the row `items written, least`: msgspec's encoding of a finished dict and a "
        "digest, 2.1 us per item of 612 bytes, of which the encoding with sorted names takes 1.35 and the digest 0.35. "
        "400,000 per second leave 0.4 us for the dict of the row (0.45), the search for values that the two encoders "
        "write differently (0.65), the division of the row at its ordinal (0.25), and the sums of the stage (0.4). "
        "Rows are already joined, written and digested in blocks of 256 KiB. Tried, with equal bytes: structs in the "
        "order of the names (1.1 to make, 0.98 to encode, instead of 0.45 and 1.35), dicts in this order by a "
        "function that is compiled for the names (0.7 slower in all), one function for all steps (as fast), f-strings "
        "as for ledgers (3.3), conversion by types for the search (7.3), and orjson (3.4 for the encoding)"
    ),
}
"""(bench, first words of the case) -> what was tried to reach a missed target."""


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
    """docs/benchmarks.md from the content of docs/benchmarks.json."""
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
        parts.append(f"Measured on {day}: {', '.join(dict.fromkeys(row.bench for row in rows if row.date == day))}.\n")
    if misses := [row for row in rows if row.verdict == "MISS"]:
        parts += [
            "## Missed targets\n",
            _markdown(("row", "cause, and what was tried"), ((_name(row), note(row)) for row in misses)),
        ]
    if not_run := [row for row in rows if row.not_run]:
        parts += ["## Not run\n", _markdown(("row", "why"), ((_name(row), row.not_run) for row in not_run))]
    compared = dict.fromkeys((row.bench, row.against) for row in rows if row.against)
    parts += ["## Peers\n", _markdown(("bench", "peer"), compared)]
    return "\n".join(parts)


def updated(kept: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The previous results, with rows of the same cases replaced; rows of new cases follow those of their bench."""
    new = {(row["bench"], row["case"]): {**row, "date": result["date"]} for row in result["rows"]}
    rows = [new.pop((row["bench"], row["case"]), row) for row in kept["rows"]]
    for (bench, _), row in new.items():
        last = max((place for place, one in enumerate(rows) if one["bench"] == bench), default=len(rows) - 1)
        rows.insert(last + 1, row)
    return {**kept, "rows": rows, "remark": result["remark"] or kept.get("remark", "")}


def note(row: Row) -> str:
    """The note on a missed target, or otherwise a sentence about the CPU seconds."""
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
