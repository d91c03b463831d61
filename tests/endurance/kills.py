"""Test of local runs whose processes are killed with SIGKILL, with a recount against an undisturbed run.

Each pipeline is generated from a seed: videos in two or three waves, clips, frames, tars and a listing. Its runs are
killed repeatedly: the runner, a step, a worker, or all at once. It grows when a wave is complete.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import footage
import host
from endurance.recount import Recount, committed
from host import alive, children, command_line

Json = dict[str, Any]
UPSTREAMS = {"clips": "raw", "samples": "clips", "shards": "clips", "listing": "shards"}
NAMES = ("raw", *UPSTREAMS)
PER_WAVE = 40
"""Maximum number of kills per wave; then it may finish."""
KINDS = {"worker": (6, 0.3), "step": (5, 0.5), "runner": (2, 1.0), "all": (1, 1.0)}
"""Kind of process -> its weight, and its maximum age when it is killed, as a fraction of the time of the undisturbed
run for the same wave, because most processes are much shorter than a run."""
KILLED = (70, 75)
"""Exit codes of a run whose steps were killed: it gives up a step that ends too often, and a later run continues."""


@dataclass
class Shop:
    """A folder with videos, a pipeline and a store."""

    folder: Path
    stages: list[Json]

    def __post_init__(self) -> None:
        (self.folder / "videos").mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        source = {"name": "raw", "files": {"uri": str(self.folder / "videos")}}
        spec = {"store": {"uri": str(self.store)}, "sources": [source], "stages": self.stages}
        head = {"apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "metadata": {"name": "shop"}}
        (self.folder / "shop.yaml").write_text(yaml.safe_dump({**head, "spec": spec}))

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def start(self, command: str = "run") -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "reelmill.cli", command, "-q", str(self.folder / "shop.yaml")],
                env={**os.environ, "TMPDIR": str(self.folder / "tmp")},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def finish(self) -> bool:
        """Run to the end without kills; returns whether items that failed because of kills had to be retried."""
        assert self.start().wait() == 0, self.log
        if not self._killed_items():
            return False
        assert self.start("retry").wait() == 0, self.log
        return True

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def recount(self) -> Recount:
        counted = Recount(self.store, UPSTREAMS)
        counted.count(NAMES)
        raw = counted.sets["raw"]
        listed, there = {*raw.items, *raw.rows}, {path.name for path in (self.folder / "videos").iterdir()}
        raw.problems += [f"{name} is in no ledger, or not in the folder" for name in listed ^ there]
        return counted

    def _killed_items(self) -> bool:
        """Whether items count as failed because of kills: they crashed twice, or their shard was lost."""
        reasons = {reason for found in self.recount().sets.values() for outcome, reason in found.rows.values()}
        return bool(reasons & {"crash", "shard_lost"})


@dataclass
class Tally:
    """Counts of kills so far, and the problems found."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    retries: int = 0
    items: int = 0
    files: int = 0
    strays: int = 0
    problems: list[str] = field(default_factory=list)


def run(count: int, seed: int, first: int, keep: Path | None) -> int:
    """Kill `count` processes, pipeline after pipeline; returns the exit code."""
    tally, number = Tally(), first
    while tally.kills.total() < count:
        before, began = tally.kills.total(), time.monotonic()
        with TemporaryDirectory(prefix="endurance-") as temporary:
            folder = keep / str(number) if keep else Path(temporary)
            problems = _pipeline(folder, random.Random(f"{seed}-{number}"), count - before, tally)
            tally.problems += [f"pipeline {number}: {problem}" for problem in problems]
        print(
            f"pipeline {number}: {tally.kills.total() - before} kills in {time.monotonic() - began:.0f} s, "
            f"{tally.kills.total()} of {count} ({', '.join(f'{kind} {hits}' for kind, hits in tally.kills.items())}); "
            f"{tally.starts} runs started, {tally.retries} retries; "
            f"recounted {tally.items} items, {tally.files} files, {tally.strays} left by killed processes; "
            f"{len(tally.problems)} problems",
            flush=True,
        )
        for problem in problems:
            print(f"  PROBLEM {problem}", flush=True)
        number += 1
    print(f"seed {seed}, pipelines {first} to {number - 1}; go on with --first {number}")
    return int(bool(tally.problems))


def _pipeline(folder: Path, chance: random.Random, most: int, tally: Tally) -> list[str]:
    """Run one pipeline with kills and undisturbed; returns the problems of the killed one."""
    stages = _stages(chance)
    quiet, killed = Shop(folder / "quiet", stages), Shop(folder / "killed", stages)
    problems: list[str] = []
    seen: dict[str, tuple[int, int, int]] = {}
    for wave in range(chance.choice([2, 2, 3])):
        names = [f"w{wave}-{number}.mp4" for number in range(chance.randint(2, 5))]
        for name in names:
            film = _film(chance)
            for shop in (quiet, killed):
                (shop.folder / "videos" / name).write_bytes(film)
        began = time.monotonic()
        assert quiet.start().wait() == 0, quiet.log
        problems += _kill(killed, chance, min(PER_WAVE, most), tally, seen, time.monotonic() - began)
        tally.retries += killed.finish()
        problems += _unchanged(killed, seen)
    wanted, found = quiet.recount(), killed.recount()
    problems += [f"undisturbed: {problem}" for problem in wanted.problems] + found.problems
    problems += _differences(wanted, found, quiet, killed)
    named = {path for each in found.sets.values() for path in each.files}
    tally.items += sum(len(each.items) for each in found.sets.values())
    tally.files += len(named)
    outputs = (
        path for path in killed.store.glob("*/*/[0-9]*/**/*") if path.is_file() and "_reelmill" not in path.parts
    )
    tally.strays += sum(str(path.relative_to(killed.store)) not in named for path in outputs)
    return problems


def _stages(chance: random.Random) -> list[Json]:
    failures = {"tolerate": "100%", "attempts": 5}
    clips = {"by": "length", "length": chance.choice(["400ms", "500ms", "1s"])}
    frames = {"count": chance.choice([1, 2, 3]), "width": 32, "height": 16, "layout": chance.choice(["npy", "jpg"])}
    stages: list[Json] = [
        {"name": "clips", "clip": clips},
        {"name": "samples", "from": ["clips"], "frames": frames},
        {"name": "shards", "from": ["clips"], "pack": {"samplesPerTar": chance.randint(2, 5)}},
        {"name": "listing", "from": ["shards"], "index": {"check": "full"}},
    ]
    for stage in stages:
        stage |= {"failures": failures, "shards": chance.choice([1, 1, 2]), "workers": chance.choice([1, 2])}
    return stages


def _film(chance: random.Random) -> bytes:
    seconds, size = chance.choice([1.0, 2.0]), chance.choice([(64, 48), (96, 64)])
    data = footage.video(seconds=seconds, fps=12, size=size, audio=False, options=("-g", "6")).read_bytes()
    return data[:900] if chance.random() < 0.1 else data


def _kill(shop: Shop, chance: random.Random, most: int, tally: Tally, seen: dict[str, Any], took: float) -> list[str]:
    """Run repeatedly while killing processes, until a run is complete or there were enough kills.

    `took` is the time of the undisturbed run in seconds.
    """
    problems: list[str] = []
    hits, everybody, code = 0, set[int](), -1
    while hits < most and code:
        process = shop.start()
        tally.starts += 1
        ages: dict[int, float] = {}
        while hits < most and process.poll() is None:
            weights = {kind: weight for kind, (weight, _) in KINDS.items()}
            (kind,) = chance.choices(list(weights), list(weights.values()))
            victims = _victims(process, kind, chance.uniform(0.0, KINDS[kind][1] * took), chance, ages)
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in victims:
                    _signal(pid, number)
            hits += bool(victims)
            tally.kills[kind] += bool(victims)
            problems += _unchanged(shop, seen)
        everybody |= set(ages)
        code = process.wait()
        if code > 0 and code not in KILLED:
            problems.append(f"a run ended with {code}: {shop.log[-1500:]}")
        if chance.random() < 0.5:
            _await_end(everybody)
    _await_end(everybody)
    return problems


def _victims(
    process: "subprocess.Popen[bytes]", kind: str, age: float, chance: random.Random, ages: dict[int, float]
) -> list[int]:
    """Processes of a kind, once one is `age` seconds old; none if the run ends before."""
    while process.poll() is None:
        family, now = _family(process.pid), time.monotonic()
        for pid in family["all"]:
            ages.setdefault(pid, now)
        old = [pid for pid in family[kind] if now - ages[pid] >= age]
        if old:
            return family["all"] if kind == "all" else [chance.choice(old)]
        time.sleep(0.005)
    return []


def _family(runner: int) -> dict[str, list[int]]:
    """Processes of a run by kind."""
    found: dict[str, list[int]] = {"runner": [runner], "step": [], "worker": [], "all": [runner]}
    for pid in found["all"]:
        found["all"] += (started := children(pid))
        for child in started:
            worker = "worker_main" in command_line(child) or host.name(child) == "reelmill worker"
            found["worker" if worker else "step"].append(child)
    return found


def _unchanged(shop: Shop, seen: dict[str, tuple[int, int, int]]) -> Iterator[str]:
    """Check that committed files exist, are intact, and were not rewritten."""
    if not shop.store.exists():
        return
    try:
        now = committed(shop.store)
    except (OSError, ValueError, KeyError) as error:
        yield f"a commit names what is not there: {type(error).__name__} {error}"
        return
    for path, stamp in seen.items():
        if now.get(path) != stamp:
            yield f"{path} was committed, and is written again or gone"
    seen.update(now)


def _differences(wanted: Recount, found: Recount, quiet: Shop, killed: Shop) -> Iterator[str]:
    retried = False
    for name in NAMES:
        one, other = wanted.sets[name], found.sets[name]
        retried |= one.segments != other.segments
        first, second = one.summary(), other.summary()
        if retried and name in ("shards", "listing"):
            # Items that were added later are in separate tars.
            first, second = ({"members": each["members"]} for each in (first, second))
        texts = [
            json.dumps(summary, sort_keys=True).replace(str(shop.folder), "")
            for summary, shop in ((first, quiet), (second, killed))
        ]
        if texts[0] != texts[1]:
            yield f"{name} differs from the undisturbed run: {texts[1][:2000]} instead of {texts[0][:2000]}"


def _await_end(pids: set[int], seconds: float = 120) -> None:
    """Wait until processes whose parent ended have ended."""
    end = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid) and "reelmill" in command_line(pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left, f"processes outlive their run: {[command_line(pid) for pid in left]}"
    pids.clear()


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
