"""Decisions over the whole data set at scale: signatures per CPU second, memory, and the cost of another percent.

Clips of `perceptual` have 20 frames, vectors of `semantic` 512 components, and signatures of `exact` 64 bits.

Signatures are generated, a tenth of them duplicates, and written as by shards. Then the code of the commit step decides
the pass in a separate process, whose memory is measured, followed by a pass with one percent more, half of which are
duplicates of kept inputs. Nothing is sampled or left out.
"""

import gc
import hashlib
import json
import os
import resource
import shutil
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Counts, Object, Pass, Segment, ShardCommit
from reelmill.contract.spec.stages.dedup import DedupBlock
from reelmill.contract.task import Owner, Step, StoreRef, Task
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import create
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.decide.step import Deciding
from reelmill_stages.runtime.step import GARBAGE
from reelmill_stages.stages.dedup.perceptual import frame_type
from reelmill_stages.stages.dedup.semantic import SemanticRule
from reelmill_stages.stages.dedup.stage import DedupStage
from reelmill_stages.store.open import open_store

FRAMES = 20
WIDTH = 512
NAMES = DataSetPaths("kept", "0" * 64)
SHARD = 250_000


def signatures(by: str, seed: int, count: int, known: list[bytes]) -> Iterator[bytes]:
    """Signatures, some of duplicates of `known` ones; the first thousand fresh ones are added to these."""
    noise = np.random.default_rng(seed)
    share = 0.5 if known else 0.1
    for first in range(0, count, 4096):
        number = min(4096, count - first)
        fresh = list(_made(by, noise, number))
        again = noise.random(number) < share
        for place, data in enumerate(fresh):
            if again[place] and known:
                yield _copy(by, noise, known[noise.integers(len(known))])
                continue
            if len(known) < 100_000:
                known.append(data)
            yield data


def _made(by: str, noise: np.random.Generator, number: int) -> Iterator[bytes]:
    if by == "exact":
        values = noise.integers(1, 1 << 63, (number, 2), np.uint64)
        for row in values:
            yield row.tobytes() + bytes(16)  # a digest of the file without one of pictures: one term of 64 bits
    elif by == "perceptual":
        frames = np.zeros((number, FRAMES), frame_type(1))
        frames["seconds"] = np.arange(FRAMES) / 2
        frames["codes"] = noise.integers(0, 256, frames["codes"].shape, np.uint8)
        for row in frames:
            yield b"\1" + row.tobytes()
    else:
        yield from SemanticRule(limit=0.03).signatures(noise.standard_normal((number, WIDTH)))


def _copy(by: str, noise: np.random.Generator, data: bytes) -> bytes:
    if by == "exact":
        return data
    if by == "perceptual":
        frames = np.frombuffer(data, frame_type(1), offset=1).copy()
        flips = noise.random((FRAMES, 256)) < 20 / 256
        frames["codes"][:, 0] ^= np.packbits(flips, axis=1)
        return b"\1" + frames.tobytes()
    rule = SemanticRule(limit=0.03)
    vector, _ = rule.parse(data)
    return rule.signature(vector + noise.standard_normal(WIDTH) * np.linalg.norm(vector) / WIDTH**0.5 * 0.15)


def write_shards(context: StepContext, by: str, segment: int, seed: int, count: int, known: list[bytes]) -> None:
    paths = NAMES.segment(segment)
    made = signatures(by, seed, count, known)
    for shard, first in enumerate(range(0, count, SHARD)):
        file, digest = context.scratch / "signatures.jsonl", hashlib.sha256()
        with file.open("wb") as rows:
            for place in range(min(SHARD, count - first)):
                key = f"videos/{segment}/{(first + place) * 7919 % count:012d}-{first + place}.mp4"
                data = b64encode(next(made)).decode()
                line = (
                    f'{{"data":"{data}","first":{place},"items":1,"key":"{key}","rank":0.0,"row":{place}}}\n'.encode()
                )
                digest.update(line)
                rows.write(line)
        nothing = Object(key="", size=0, digest="")
        key = paths.signatures(shard, context.run)
        size = context.store.write(key, file, create=True).size
        commit = ShardCommit(
            shard=shard, of=1, counts=Counts(), items=None, ledger=nothing,
            signatures=Object(key=key, size=size, digest=f"sha256:{digest.hexdigest()}"),
        )  # fmt: skip
        create(context.store, paths.shard(shard), commit)


def decide(root: str, by: str, segment: int, told: Any) -> None:
    """Decide one pass in a separate process, set up like that of a step."""
    gc.set_threshold(GARBAGE)
    context = _context(Path(root))
    paths = NAMES.segment(segment)
    keys = sorted(stat.key for stat in context.store.list(paths.shards))
    commits = [ShardCommit.model_validate_json(context.store.read(key)) for key in keys]
    runner = Runner(uid="bench", name="bench", run=1)
    opened = Pass(
        stage="kept", key=NAMES.key, segment=segment, kind="cover", in_=0, first_ordinal=0, shards=(), definition={},
        runner=runner,
    )  # fmt: skip
    data = DataSet(context.store, NAMES, scratch=context.scratch, until=segment - 1)
    stage = DedupStage(DedupBlock(by=by))  # type: ignore[arg-type]
    began, wall = time.process_time(), time.monotonic()
    found = Deciding(context, data, opened, stage).run(iter(commits), {})
    spent = time.process_time() - began
    create(
        context.store,
        paths.segment_json,
        Segment(
            state="committed", stage="kept", key=NAMES.key, segment=segment, kind="cover", counts=Counts(),
            totals=Counts(), items=0, next_ordinal=0, kept=found.kept,
        ),
    )  # fmt: skip
    told.send(
        {
            "cpu": round(spent, 4),
            "wall": round(time.monotonic() - wall, 1),
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            "kept": found.kept.count,
            "index": sum(file.size for file in found.kept.files) >> 20,
        }
    )


def _context(root: Path) -> StepContext:
    task = Task(
        step=Step.COMMIT, owner=Owner(namespace="", name="bench", uid="bench"), run=1,
        store=StoreRef(uri=str(root / "store")),
    )  # fmt: skip
    scratch = Path(tempfile.mkdtemp(dir=root))
    return StepContext(
        task, open_store(task.store, env=os.environ), os.environ, scratch, "1-00000000", threading.Event()
    )


def measured(by: str, count: int, *, rounds: int = 1) -> Iterator[dict[str, Any]]:
    """Cost of a pass with `count` signatures, and of one with a percent more: the median of several rounds."""
    root = Path(tempfile.mkdtemp(prefix="reelmill-decide-"))
    try:
        known: list[bytes] = []
        for segment, number in ((1, count), (2, max(1, count // 100))):
            context = _context(root)
            write_shards(context, by, segment, segment, number, known)
            found = [_in_process(root, by, segment) for _ in range(rounds if segment == 2 else 1)]
            middle = sorted(found, key=lambda one: one["cpu"])[len(found) // 2]
            yield {"by": by, "signatures": number, **middle}
            shutil.rmtree(context.scratch)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _in_process(root: Path, by: str, segment: int) -> dict[str, Any]:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=decide, args=(str(root), by, segment, theirs))
    process.start()
    theirs.close()
    found: dict[str, Any] = ours.recv()
    process.join()
    return found


def run(by: str, count: int) -> int:
    """Measure and print."""
    rows = []
    for row in measured(by, count):
        rows.append(row)
        print(json.dumps(row), flush=True)
    whole, more = rows
    print(
        f"{by}: {whole['signatures'] / whole['cpu']:.0f} signatures per second of CPU, at most {whole['rss']} MiB; "
        f"one percent more costs {more['cpu'] / whole['cpu']:.2%}"
    )
    return 0
