"""Benchmark of writing tars, against webdataset's TarWriter: the pack stage on payload files, the writer from memory.

Both write the same samples to the same RAM disk.
"""

import json
import random
import tempfile
from functools import partial
from pathlib import Path

import webdataset

from bench.row import Row, begin, emit
from bench.timing import Times, in_turns
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stage import Done, File, Input, Kept, Shard
from reelmill_stages.stages.pack.stage import PackStage
from reelmill_stages.tar.write import TarWriter

CASES = {
    "16 jpg of 11 kB": (250, 16, 11_000, "jpg"),
    "mp4 of 600 kB": (200, 1, 600_000, "mp4"),
    "npy of 2 MB": (60, 1, 2_000_000, "npy"),
}
"""Samples, parts of each, bytes of each, suffix."""

Sample = tuple[str, dict[str, object], list[tuple[str, bytes]]]


def samples(count: int, parts: int, size: int, suffix: str) -> list[Sample]:
    """Random payload with a caption."""
    noise = random.Random(0)
    return [
        (
            f"{number:09d}",
            {"caption": "a girl is talking to another girl sitting in a park", "video_id": f"{number:09d}"},
            [(f"{part}.{suffix}" if parts > 1 else suffix, noise.randbytes(size)) for part in range(parts)],
        )
        for number in range(count)
    ]


def theirs(path: Path, made: list[Sample]) -> None:
    with webdataset.TarWriter(str(path), mtime=0) as tar:
        for key, fields, parts in made:
            tar.write({"__key__": key, "json": fields, **dict(parts)})


def ours(path: Path, made: list[Sample]) -> None:
    with TarWriter(path) as tar:
        for key, fields, parts in made:
            tar.begin()
            tar.add(f"{key}.json", json.dumps(fields).encode())
            for name, data in parts:
                tar.add(f"{key}.{name}", data)


def on_disk(folder: Path, made: list[Sample]) -> list[Kept]:
    """The output of `process`: payload files and the fields of the json."""
    kept = []
    for number, (key, fields, parts) in enumerate(made):
        files = []
        for name, data in parts:
            path = folder / f"{key}.{name}"
            path.write_bytes(data)
            files.append(File(name, path))
        done = Done(payload=tuple(files), fields={"json": {"caption": fields["caption"]}, "names_as": "video_id"})
        kept.append(Kept(Input(Item(key, number, key, 1.0), number), done))
    return kept


def theirs_from_disk(path: Path, kept: list[Kept]) -> None:
    with webdataset.TarWriter(str(path), mtime=0) as tar:
        for number, one in enumerate(kept):
            fields = {"caption": one.done.fields["json"]["caption"], "video_id": f"{number:09d}"}
            parts = {part.name: part.path.read_bytes() for part in one.done.payload}
            tar.write({"__key__": f"{number:09d}", "json": fields, **parts})


def the_stage(folder: Path, kept: list[Kept]) -> None:
    for made in PackStage(PackBlock(samples_per_tar=len(kept))).assemble(kept, Shard(0, 1, 0, len(kept), 1, folder)):
        made.file.path.unlink()


def row(case: str, against: str, target: float, times: Times) -> None:
    emit(Row("pack", case, against, *times.medians, "s", times.ratio, None, target, rounds=times.rounds))


def main(rounds: int) -> None:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        theirs_at, ours_at = folder / "t.tar", folder / "o.tar"
        for case, shape in CASES.items():
            made = samples(*shape)
            kept = on_disk(folder, made)
            times = in_turns(partial(the_stage, folder, kept), partial(theirs_from_disk, theirs_at, kept), rounds)
            row(f"stage, {case}", "webdataset TarWriter, the same payload files", 1.0, times)
            times = in_turns(partial(ours, ours_at, made), partial(theirs, theirs_at, made), rounds)
            row(f"repacking, {case}", "webdataset TarWriter, the same samples in memory", 1.5, times)
            for path in folder.iterdir():
                path.unlink()


if __name__ == "__main__":
    begin(main, "pack")
