"""The Job API on one machine: the parts of Kubernetes' semantics that the planner relies on."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from host import running
from reelmill.contract.backoff import Backoff
from reelmill.contract.task import ENV
from reelmill.local.jobs import Jobs
from reelmill.local.process import OutputLine
from reelmill.plan import CreateJob
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

PROGRAM = """
import os, sys, signal, time, pathlib
folder, index = pathlib.Path(os.environ["FOLDER"]), os.environ["JOB_COMPLETION_INDEX"]
with open(folder / f"tries-{index}", "a") as file: file.write("x")
number = len((folder / f"tries-{index}").read_text())
pathlib.Path(os.environ["REELMILL_REPORT"]).write_text(f"report {index}.{number}")
print("plain text", file=sys.stderr)
print('{"msg": "hello"}', file=sys.stderr, flush=True)
codes = os.environ.get(f"CODES_{index}", "0").split(",")
code = codes[min(number, len(codes)) - 1]
if code == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if code in ("hang", "deaf"):
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(600)
sys.exit(int(code))
"""
CLIPS = {"clip": {"by": "length"}}
CAPTIONS = {"caption": {"server": {"url": "http://127.0.0.1:1/v1"}, "model": "m", "prompt": "p", "concurrency": 9}}


class Desk:
    """Jobs over the program above."""

    def __init__(self, folder: Path, codes: dict[int, str], **settings: Any) -> None:
        environment = {**os.environ, "FOLDER": str(folder)} | {f"CODES_{n}": code for n, code in codes.items()}
        self.folder = folder
        self.lines: list[OutputLine] = []
        self.jobs = Jobs(
            [sys.executable, "-I", "-S", "-c", PROGRAM],
            folder=folder,
            environment=environment,
            **{"cpus": 2, "max_processes": 2, "retries": Backoff(first=0.01, most=1.0), **settings},
        )

    def create(self, *, completions: int = 1, retries: int = 1, block: dict[str, Any] = CLIPS, **spec: Any) -> str:
        body = shards_job(block)
        body["spec"] |= {"completions": completions, "backoffLimitPerIndex": retries, "maxFailedIndexes": completions}
        body["spec"] |= spec
        self.jobs.create(body)
        name: str = body["metadata"]["name"]
        return name

    def step(self) -> None:
        self.jobs.start()
        self.lines += self.jobs.wait(0.05)

    def finish(self, name: str, seconds: float = 120) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            (job,) = [body for body in self.jobs.bodies if body["metadata"]["name"] == name]
            if job["status"].get("conditions"):
                return job
            self.step()
        raise AssertionError(f"no end: {job['status']}")

    def tries(self, index: int) -> int:
        path = self.folder / f"tries-{index}"
        return len(path.read_text()) if path.exists() else 0

    def pid(self) -> int:
        path = self.folder / "pid"
        while not path.exists() or not path.read_text():
            self.step()
        return int(path.read_text())


def shards_job(block: dict[str, Any]) -> dict[str, Any]:
    """A shards Job as the planner makes it."""
    made = SimulatedCluster.in_three_steps(pipeline([{"name": "clips", **block}]), SymbolicStore(bucket={"raw": ["v"]}))
    while True:
        made.deliver_all()
        for action in made.reconcile().actions:
            if isinstance(action, CreateJob) and action.job["metadata"]["labels"]["reelmill.dev/step"] == "shards":
                return action.job
        for name in made.live():
            made.advance(name)


def condition(job: dict[str, Any]) -> tuple[str, str]:
    (found,) = job["status"]["conditions"]
    return found["type"], found["reason"]


def test_all_indexes_run_and_their_lines_are_passed_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {})
    name = desk.create(completions=3)
    job = desk.finish(name)
    assert condition(job) == ("Complete", "CompletionsReached")
    assert job["status"]["completedIndexes"] == "0-2"
    assert desk.jobs.reports[name].startswith("report")
    assert [line.record["msg"] for line in desk.lines][:2] == ["plain text", "hello"]
    assert desk.lines[0].record["job"] == name


def test_a_failed_index_is_tried_again_and_only_so_often(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {0: "70,0", 1: "70"})
    job = desk.finish(desk.create(completions=3, retries=2))
    assert condition(job) == ("Failed", "FailedIndexes")
    assert (job["status"]["completedIndexes"], job["status"]["failedIndexes"]) == ("0,2", "1")
    assert [desk.tries(index) for index in range(3)] == [2, 3, 1]
    assert desk.jobs.reports[job["metadata"]["name"]].startswith("report 1")


@pytest.mark.parametrize("code", ["64", "76"])
def test_wrong_configuration_and_stale_plans_end_the_job(tmp_path: Path, code: str) -> None:
    desk = Desk(tmp_path, {0: code})
    job = desk.finish(desk.create(completions=3, retries=9))
    assert condition(job) == ("Failed", "PodFailurePolicy")
    assert f"exit code {code}" in job["status"]["conditions"][0]["message"]
    assert [desk.tries(index) for index in range(3)] == [1, 0, 0]


def test_an_early_abort_ends_its_index_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {0: "65"})
    job = desk.finish(desk.create(completions=2, retries=9))
    assert (job["status"]["completedIndexes"], job["status"]["failedIndexes"]) == ("1", "0")
    assert desk.tries(0) == 1


def test_a_job_ends_when_more_indexes_failed_than_allowed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dict.fromkeys(range(5), "70"))
    job = desk.finish(desk.create(completions=5, retries=0, maxFailedIndexes=1))
    assert condition(job) == ("Failed", "MaxFailedIndexesExceeded")
    assert desk.tries(4) == 0


def test_a_name_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {})
    name = desk.create()
    desk.finish(name)
    assert desk.create() == name
    assert desk.tries(0) == 1
    assert len(desk.jobs.bodies) == 1


def test_a_suspended_job_starts_nothing_and_gives_its_index_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {0: "hang,0"})
    name = desk.create(retries=0)
    desk.pid()
    desk.jobs.patch(name, {"spec": {"suspend": True}})
    while desk.jobs.bodies[0]["status"]["active"]:
        desk.step()
    desk.step()
    assert desk.tries(0) == 1
    desk.jobs.patch(name, {"spec": {"suspend": False}})
    assert condition(desk.finish(name)) == ("Complete", "CompletionsReached")


def test_a_deleted_job_is_gone_when_its_process_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {0: "hang"})
    name = desk.create()
    pid = desk.pid()
    desk.jobs.delete(name)
    assert desk.jobs.bodies[0]["metadata"]["deletionTimestamp"]
    while desk.jobs.bodies:
        desk.step()
    assert not running(pid)


@pytest.mark.store
def test_a_process_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {0: "deaf"})
    desk.create()
    pid = desk.pid()
    list(desk.jobs.close(0.2))
    end = time.monotonic() + 60
    while running(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("block", "workers"), [(CLIPS, 6), (CAPTIONS, 9)], ids=["by CPUs", "by requests"])
def test_workers_are_this_machines_share_or_requests_in_flight(
    block: dict[str, Any], workers: int, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, {}, cpus=6)
    desk.jobs.command = [sys.executable, "-I", "-S", "-c", f"import os,sys;print(os.environ[{ENV!r}],file=sys.stderr)"]
    desk.finish(desk.create(block=block))
    (line,) = desk.lines
    assert line.record["limits"]["workers"] == workers
