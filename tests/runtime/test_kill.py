"""kill -9 at any moment: the next run goes on, and the end is the same as if nothing had happened."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_line as toy
from bucket_places import SERVERS, place_at

from reelmill.contract.records.segment import Pass
from reelmill.contract.task import Step, StoreRef
from reelmill.contract.task_parts.follow_up import PassBound
from reelmill_stages.records.record_files import load

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


WHOLE = PassBound(items=1000, seconds=1e9, bytes=10**12)
MODES = pytest.mark.parametrize("bound", [None, WHOLE], ids=["three-steps", "one-pod"])


def killed_line(root: Path, ref: StoreRef | None = None, bound: PassBound | None = None) -> toy.Line:
    root.mkdir(parents=True)
    line = toy.Line(root, shard_count=1 if bound else 2, ref=ref, bound=bound)
    line.limits = line.limits.model_copy(update={"workers": 2})
    for number in range(24):
        line.put(f"v{number:02d}", f"slow 0.02\ncontent {number}", group=f"g{number // 2}")
    line.put("bad", "fail broken")
    line.put("dull", "filter dull")
    line.stage("upper", many=2)
    line.stage("join", "Join", per_file=4)
    return line


def run_killing(line: toy.Line, kills: int, seed: int) -> int:
    """Run again and again, killing it `kills` times; how many kills hit."""
    moments = random.Random(seed)
    file = line.root / "line.pickle"
    file.write_bytes(pickle.dumps(line))
    hits = 0
    for _ in range(kills):
        process = start(file)
        try:
            process.wait(timeout=moments.uniform(0.4, 2.2))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            hits += 1
        assert process.wait() in (0, -signal.SIGKILL)
    assert start(file).wait() == 0
    return hits


def start(file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(toy.HERE / "toy_run.py"), str(file)], start_new_session=True)


def same_end(killed: toy.Line, quiet: toy.Line) -> None:
    for name in ("upper", "join"):
        data, wanted = killed.data(name), quiet.data(name)
        toy.law(data)
        assert toy.outcomes(data) == toy.outcomes(wanted)
        assert toy.contents(data) == toy.contents(wanted)
        assert data.totals == wanted.totals
        for file in data.files():
            assert killed.store.stat(file.key).metadata["digest"] == file.digest


@MODES
def test_killed_runs_end_like_an_undisturbed_one(tmp_path: Path, bound: PassBound | None) -> None:
    killed, quiet = killed_line(tmp_path / "killed", bound=bound), killed_line(tmp_path / "quiet", bound=bound)
    quiet.go()
    run_killing(killed, 3, seed=1)
    same_end(killed, quiet)


@MODES
@pytest.mark.parametrize("seed", range(5))
def test_fifty_kills_at_random_moments_leave_no_trace_in_the_data(
    tmp_path: Path, seed: int, bound: PassBound | None
) -> None:
    quiet = killed_line(tmp_path / "quiet", bound=bound)
    quiet.go()
    killed = killed_line(tmp_path / "killed", bound=bound)
    run_killing(killed, 10, seed=100 + seed)
    same_end(killed, quiet)


@pytest.mark.parametrize("server", SERVERS)
def test_kills_leave_no_trace_in_a_bucket(
    tmp_path: Path, server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = place_at(server, request, monkeypatch)
    quiet = killed_line(tmp_path / "quiet")
    quiet.go()
    killed = killed_line(tmp_path / "killed", ref)
    run_killing(killed, 4, seed=7)
    same_end(killed, quiet)
    killed.put("more")
    killed.go()
    assert killed.data("upper").totals.in_ == 27
    toy.law(killed.data("join"))


def test_a_restarted_shard_does_what_was_in_flight_and_no_more(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    trace = tmp_path / "trace"
    upper = line.stage("upper", trace=str(trace))
    for number in range(30):
        line.put(f"v{number:02d}", "slow 0.1" if number < 20 else f"wait-for {tmp_path / 'go'}")
    line.survey()
    line.open(upper)
    pod = line.popen(line.task(Step.SHARDS, upper, segment=1), 0)
    checkpoints = line.data("upper").paths(1).checkpoints(0)
    while not any(stat.size > 1000 for stat in line.store.list(checkpoints)):
        time.sleep(0.02)
    os.killpg(pod.pid, signal.SIGKILL)
    pod.communicate()
    finished = b"".join(line.store.read(stat.key) for stat in line.store.list(checkpoints)).count(b"\n")
    (tmp_path / "go").touch()
    trace.unlink()
    line.shard(upper, 1, 0)
    assert finished
    assert len(trace.read_text().split()) == 30 - finished
    assert line.commit(upper, 1).counts.done == 30


def test_what_was_never_committed_is_never_read(tmp_path: Path) -> None:
    line = toy.Line(tmp_path, shard_count=2)
    upper = line.stage("upper")
    line.stage("again")
    for number in range(4):
        line.put(f"v{number}")
    line.survey()
    line.open(upper)
    line.shard(upper, 1, 0)
    line.store.write(f"{upper.name}/{upper.key[:10]}/0001/out/stray.txt", b"half")
    data = line.data("upper")
    assert (list(data.items()), list(data.ledger()), list(data.files())) == ([], [], [])
    assert line.advance() == 2
    assert load(line.store, line.data("again").paths(1).pass_json, Pass).in_ == 4  # type: ignore[union-attr]
    assert set(toy.contents(line.data("again"))) == {f"v{number}" for number in range(4)}
