"""A whole run on one machine: over symbolic steps, and once over the real ones."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import footage
from host import children, running
from reelmill.contract.spending import Prices
from reelmill.contract.status import Status
from reelmill.local import QuietObserver, RunResult, run
from reelmill.plan import Event
from reelmill.plan.requests import annotation
from reelmill.processes.start_method import ENV as START_METHOD
from reelmill.processes.start_method import StartMethod
from simulated_cluster import pipeline
from symbolic_server import SymbolicServer
from symbolic_stages import SymbolicStore

CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}, "shards": 2, "failures": {"tolerate": "0"}}


class Notes(QuietObserver):
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.stages: list[str] = []
        self.records: list[Mapping[str, Any]] = []
        self.events: list[Event] = []

    @property
    def steps(self) -> list[str]:
        return [record["step"] for record in self.records if record["msg"] == "step"]

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def progress(self, stage: str, fields: Mapping[str, Any]) -> None:
        self.stages.append(stage)

    def log(self, record: Mapping[str, Any]) -> None:
        self.records.append(record)

    def event(self, event: Event) -> None:
        self.events.append(event)


Prepare = Callable[..., SymbolicServer]


@pytest.fixture
def prepare(tmp_path: Path) -> Iterator[Prepare]:
    """Three videos, and whatever else is said of the store."""
    servers: list[SymbolicServer] = []

    def serve(**store: Any) -> SymbolicServer:
        servers.append(SymbolicServer(tmp_path, SymbolicStore(bucket={"raw": ["v0", "v1", "v2"]}, **store)))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def start(command: list[str], *stages: dict[str, Any], **options: Any) -> RunResult:
    return run(pipeline(list(stages) or [CLIPS]), command=command, **options)


def test_a_run_ends_complete_and_the_next_one_is_a_survey_only(prepare: Prepare) -> None:
    server = prepare()
    notes = Notes()
    outcome = start(server.command, observer=notes)
    assert outcome.exit_code == 0
    assert outcome.status.stage("clips").totals.done == 3
    assert notes.stages == ["clips", "clips"]
    assert notes.steps == ["survey", "shards", "shards"]
    assert [event.reason for event in notes.events] == ["PassClosed", "Complete"]
    again = Notes()
    assert start(server.command, observer=again).exit_code == 0
    assert again.steps == ["survey"]
    assert again.statuses[-1].stage("clips").state == "cached"


def test_a_small_pass_is_one_process_with_the_task_of_its_open_step(prepare: Prepare) -> None:
    server = prepare()
    notes = Notes()
    outcome = start(server.command, {**CLIPS, "shards": 1}, observer=notes)
    assert outcome.exit_code == 0
    assert outcome.status.stage("clips").totals.done == 3
    assert notes.stages == ["clips"]
    assert notes.steps == ["survey", "open"]
    assert len({record["job"] for record in notes.records}) == 2


def test_items_over_the_tolerance_end_with_65_and_a_retry_mends_them(prepare: Prepare) -> None:
    server = prepare(failing={("clips", "raw/v1"): ["decode"]})
    outcome = start(server.command)
    assert outcome.exit_code == 65
    request = annotation("t1", stages=("clips",), classes=("decode",))
    outcome = start(server.command, annotations={"reelmill.dev/retry": request})
    assert outcome.exit_code == 0
    assert outcome.status.stage("clips").totals.failed == 0


@pytest.mark.parametrize(("step", "code"), [("survey", 64), ("open", 64)])
def test_a_refused_step_ends_with_its_words_and_code(prepare: Prepare, step: str, code: int) -> None:
    server = prepare(exits={("" if step == "survey" else "clips", step): [code]})
    outcome = start(server.command)
    assert outcome.exit_code == code
    stalled = outcome.status.condition("Stalled")
    assert stalled
    assert "on purpose; mend it" in stalled.message


def test_a_spec_that_cannot_be_accepted_ends_with_64(prepare: Prepare) -> None:
    server = prepare()
    assert start(server.command, CLIPS | {"from": ["nope"]}).exit_code == 64


def test_a_run_ends_at_its_limit_and_the_next_one_continues(prepare: Prepare) -> None:
    server = prepare()
    notes = Notes()
    limited = run(pipeline([CLIPS], limits={"podHours": 1e-7}), observer=notes, command=server.command)
    assert limited.exit_code == 75
    suspended = limited.status.condition("Suspended")
    assert suspended
    assert suspended.reason == "LimitReached"
    assert [event.reason for event in notes.events if event.reason == "LimitReached"] == ["LimitReached"]
    assert run(pipeline([CLIPS]), command=server.command).status.holds("Complete")


def test_a_limit_of_cost_needs_prices(prepare: Prepare) -> None:
    server = prepare()
    notes = Notes()
    unpriced = run(pipeline([CLIPS], limits={"cost": 5}), observer=notes, command=server.command)
    assert unpriced.exit_code == 64  # trying again changes nothing
    assert notes.steps == []
    priced = run(pipeline([CLIPS], limits={"cost": 5}), command=server.command, prices=Prices(cpu_hour=0.1))
    assert priced.status.holds("Complete")
    assert priced.status.spent.cost is not None


def test_a_suspended_pipeline_starts_nothing(prepare: Prepare) -> None:
    notes = Notes()
    outcome = run(pipeline([CLIPS], suspend=True), observer=notes, command=prepare().command)
    assert outcome.status.holds("Suspended")
    assert outcome.exit_code == 75
    assert notes.records == []


@pytest.mark.store
def test_a_stopped_run_leaves_no_process_and_the_next_one_continues(prepare: Prepare) -> None:
    server = prepare()
    server.go.clear()
    stop = threading.Event()
    notes = Notes()
    notes.progress = lambda stage, fields: stop.set()  # type: ignore[method-assign]
    outcome = start(server.command, observer=notes, stop=stop)
    assert outcome.interrupted
    assert outcome.exit_code == 75
    server.go.set()
    again = Notes()
    assert start(server.command, observer=again).exit_code == 0
    assert again.steps == ["survey", "open", "shards", "shards"]
    assert set(server.store.tried.values()) == {1}


@pytest.mark.store
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_steps_end_with_a_run_that_is_killed(prepare: Prepare) -> None:
    server = prepare()
    server.go.clear()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_local_run as t\n"
        "class Notes(t.QuietObserver):\n"
        "    def progress(self, stage, fields): print('working', flush=True)\n"
        "t.start(sys.argv[2:], observer=Notes())\n"
    )
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here.parent)}
    command = [sys.executable, "-c", code, str(here), *server.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"working\n"
        (child,) = children(parent.pid)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60
    while running(child):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.store  # needs no server, but the seconds that this tier may take
@pytest.mark.parametrize("method", list(StartMethod), ids=str)
def test_real_videos_become_real_clips_and_a_broken_one_a_ledger_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: StartMethod
) -> None:
    monkeypatch.setenv(START_METHOD, method)
    videos = tmp_path / "in"
    videos.mkdir()
    shutil.copy(footage.video(seconds=2.0), videos / "good.mp4")
    (videos / "broken.mp4").write_bytes(b"no video at all")
    made = pipeline(
        [{"name": "clips", "clip": {"by": "length", "length": "1s"}, "failures": {"tolerate": "1"}}],
        store={"uri": str(tmp_path / "out")},
        sources=[{"name": "raw", "files": {"uri": f"{videos}/"}}],
    )
    notes = Notes()
    outcome = run(made, observer=notes)
    assert outcome.exit_code == 0, outcome.status.conditions
    clips = outcome.status.stage("clips")
    assert (clips.totals.in_, clips.totals.done, clips.totals.failed) == (2, 1, 1)
    assert clips.items == 2
    assert clips.reasons == {"failed:corrupt": 1}
    assert len(list((tmp_path / "out" / clips.path).rglob("*.mp4"))) == 2
    assert "clips" in notes.stages
    again = run(made)
    assert again.status.run == 1
    assert again.status.stage("clips").state == "cached"
