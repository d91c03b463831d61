"""Benchmark of writing and reading rows, and of the first sample of ten million.

The peers are the standard library's JSON of the same lines, a rate of 400,000 rows per second of CPU time, and bare
msgspec with a digest, which is the lower bound in Python. reelmill also creates the rows' objects, checks their types,
and writes or compares the digest of the file. Rows are those of clips, with one file each.
"""

import hashlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from bench.row import Row, begin, emit
from bench.timing import Times, cpu_seconds, in_turns, one_core, seconds
from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome, Output
from reelmill.contract.task import StoreRef
from reelmill_stages.records.row_files import RowFile, read_rows
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.records.rows.item_lines import item_reader
from reelmill_stages.records.rows.ledger_line import ledger_line
from reelmill_stages.records.rows.line_readers import ledger_row as ledger_row_in
from reelmill_stages.store.open import open_store
from reelmill_stages.tar.write import TarWriter

ROWS = 100_000
RATE = 400
"""Target in thousands of rows per second of CPU time."""
TARS, SAMPLES = 10_000, 1000
LIMIT_SECONDS = 1.0
LEAST, LEAST_SHARE = "msgspec and a digest alone", 0.2
FIRST = (
    "import sys; from reelmill_stages.datasets import Order, TarSet; samples = TarSet(sys.argv[1]);"
    "assert len(samples) == 10_000_000; samples[next(iter(Order(samples.counts, seed=1)))]"
)


def item(number: int) -> Item:
    """A clip of a video, as the stage `clip` gives it."""
    video, clip = f"videos/{number // 9:07d}.mp4", f"clips/4f9bc48df4/0001/clips/{number:07d}.mp4"
    digest = f"sha256:{number:064x}"
    return Item(
        f"{video}#{number % 9}", number, video, 4.04, Media(clip, 120_000 + number, digest=digest),
        (Output(clip, 120_000 + number, digest),),
        {"uri": video, "etag": "5f3c8e", "start": number % 9 * 4.04, "end": (number % 9 + 1) * 4.04},
        {"name": f"v{number:07d}", "vid": f"v{number // 9}", "duration": 4.04, "width": 1280, "height": 720,
         "text": "two dogs run over the grass and jump into the water"},
    )  # fmt: skip


def ledger_row(number: int) -> LedgerRow:
    """A ledger row; every tenth has failed."""
    if number % 10:
        return LedgerRow(f"videos/{number // 9:07d}.mp4#{number % 9}", number, Outcome.DONE, seconds=0.1234)
    message = "the file ends in the middle of a frame at 3.2 s"
    return LedgerRow(f"videos/{number // 9:07d}.mp4#{number % 9}", number, Outcome.FAILED, "truncated", message, 0.5, 2)


def emit_rate(case: str, against: str, times: Times, target: float = 1.0) -> None:
    """A row in thousands of rows a second of CPU time."""
    rates = [ROWS / statistics.median(took) / 1000 for took in (times.ours_cpu, times.peer_cpu)]
    emit(Row("rows", case, against, *rates, "k rows/CPU s", times.ratio, times.cpu_ratio, target, rounds=times.rounds))


def emit_with_target(case: str, against: str, times: Times) -> None:
    """Two rows: the rate beside that of the standard library, and beside the target."""
    emit_rate(case, against, times)
    rate = ROWS / statistics.median(times.ours_cpu) / 1000
    values = (rate, float(RATE), "k rows/CPU s", rate / RATE, None, 1.0)
    emit(Row("rows", f"{case}, rate", "400,000 per second", *values, rounds=times.rounds))


def written(path: Path, rows: list[bytes] | list[Item] | list[LedgerRow], line: Callable[..., bytes]) -> str:
    """Write the rows; returns the digest of the file."""
    file = RowFile(path)
    for row in rows:
        file.append_line(line(row))
    file.close()
    return file.digest


def bare_write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(canonical(row) + b"\n")


def bare_read(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            json.loads(line)


def least_write(path: Path, rows: list[dict[str, object]]) -> None:
    encode, digest = msgspec.json.Encoder(order="sorted").encode, hashlib.sha256()
    with path.open("wb", buffering=1 << 18) as file:
        for row in rows:
            line = encode(row) + b"\n"
            digest.update(line)
            file.write(line)


def least_read(path: Path) -> None:
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    with path.open("rb", buffering=1 << 18) as file:
        for line in file:
            decode(line)


def rows(folder: Path, rounds: int) -> None:
    store = open_store(StoreRef(uri=str(folder)))
    items = [item(number) for number in range(ROWS)]
    ledger = [ledger_row(number) for number in range(ROWS)]
    kinds = (
        ("items", items, lambda one: encoded(one).at(one.ordinal), lambda: item_reader(0)),
        ("ledger", ledger, ledger_line, lambda: ledger_row_in),
    )
    for name, given, line, read in kinds:
        path = folder / f"{name}.jsonl"
        plain = [one.to_json() for one in given]
        sides = partial(written, path, given, line), partial(bare_write, folder / "bare", plain)
        emit_with_target(f"{name} written", "json.dumps of the same rows", in_turns(*sides, rounds))
        sides = sides[0], partial(least_write, folder / "bare", plain)
        emit_rate(f"{name} written, least", LEAST, in_turns(*sides, rounds), LEAST_SHARE)
        digest = written(path, given, line)

        def read_all(
            name: str = name, digest: str = digest, read: Callable[[], Callable[[bytes], object]] = read
        ) -> None:
            for _ in read_rows(store, f"{name}.jsonl", digest, folder, read()):
                pass

        times = in_turns(read_all, partial(bare_read, path), rounds)
        emit_with_target(f"{name} read", "json.loads of the same lines", times)
        emit_rate(f"{name} read, least", LEAST, in_turns(read_all, partial(least_read, path), rounds), LEAST_SHARE)


def first_sample(folder: Path, rounds: int) -> None:
    """Time to the first sample of tars that are all the same file."""
    with TarWriter(folder / "0.tar") as tar:
        for number in range(SAMPLES):
            tar.add(f"{number:09d}.json", b'{"txt": "two dogs"}')
    names = [f"{number}.tar" for number in range(TARS)]
    for name in names[1:]:
        os.link(folder / "0.tar", folder / name)
    (folder / ".nv-meta").mkdir()
    (folder / ".nv-meta/.info.json").write_text(json.dumps({"shard_counts": dict.fromkeys(names, SAMPLES)}))
    cold = partial(run, FIRST, str(folder))
    cold()
    before = cpu_seconds()
    took = statistics.median(seconds(cold) for _ in range(rounds))
    cpu = (cpu_seconds() - before) / rounds
    values = (took, LIMIT_SECONDS, "s", took / LIMIT_SECONDS, cpu / LIMIT_SECONDS, 1.0, True)
    emit(Row("rows", "first sample of 1e7, new process", "a limit", *values, rounds=(rounds, rounds)))


def run(code: str, *words: str) -> None:
    """Raises ValueError if the process fails."""
    if os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code, *words]):
        raise ValueError(code)


def main(rounds: int) -> None:
    one_core()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        rows(folder, rounds)
        (folder / "tars").mkdir()
        first_sample(folder / "tars", rounds)


if __name__ == "__main__":
    begin(main, "rows")
