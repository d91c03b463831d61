"""A listing that makes no progress ends with a clear error, and one that makes some goes on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
import toy_line as toy

from host import children, running
from reelmill.contract.errors import ExitCode, TransientError
from reelmill.contract.task import ENV, REPORT_ENV, Step
from reelmill_stages.runtime.context import Interrupted, context
from reelmill_stages.runtime.supervision import ProgressClock
from reelmill_stages.runtime.survey.source_listing import list_source

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take
PATIENCE = 0.5


@pytest.fixture(autouse=True)
def stops_at_once() -> Iterator[None]:
    """SIGTERM does here what it does in the process of a survey."""

    def handle(number: int, _: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    before = signal.signal(signal.SIGTERM, handle)
    yield
    signal.signal(signal.SIGTERM, before)


def listed(line: toy.Line, clock: ProgressClock) -> int:
    line.write_rows("raw")
    with context(line.task(Step.SURVEY), os.environ, threading.Event(), clock) as found:
        return list_source(found, line.source).items


def test_a_source_that_hangs_is_named_and_nothing_of_it_is_committed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    line.put("b", sleep=3600)
    with pytest.raises(TransientError, match=r"raw: .* made no progress for 0\.5 s") as error:
        listed(line, ProgressClock(PATIENCE))
    assert not isinstance(error.value, Interrupted)
    assert line.data("raw").last is None


class ClockOfRows(ProgressClock):
    """A clock that moves only with rows, by some seconds after each."""

    def __init__(self, patience: float, seconds: float) -> None:
        super().__init__(patience, now=lambda: self.time)
        self.time, self.seconds = 1.0, seconds

    def mark(self) -> None:
        super().mark()
        self.time += self.seconds


def test_a_source_that_takes_longer_than_that_in_all_is_listed_to_its_end(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(24):
        line.put(f"v{number}", sleep=0.02)
    clock = ClockOfRows(patience=0.04, seconds=0.03)
    assert listed(line, clock) == 24
    assert clock.time > 1.0 + clock.patience


def test_a_source_that_takes_longer_for_one_row_is_not(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    line.put("b", sleep=3600)
    with pytest.raises(TransientError, match="made no progress"):
        listed(line, ClockOfRows(patience=0.04, seconds=0.05))


SURVEY = (
    "import os, sys; from reelmill_stages.runtime.step import run; "
    "from reelmill_stages.runtime.supervision import ProgressClock; "
    "sys.exit(run(os.environ, ProgressClock(float(sys.argv[1]))))"
)


def survey(line: toy.Line, patience: float = 600.0) -> "subprocess.Popen[bytes]":
    """A survey in a process of its own."""
    line.write_rows("raw")
    environment = {
        **os.environ,
        ENV: line.task(Step.SURVEY).model_dump_json(),
        REPORT_ENV: str(line.root / "report"),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, "-c", SURVEY, str(patience)]
    with (line.root / "log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stderr=log, start_new_session=True)


def test_a_listing_that_never_returns_to_python_ends_with_the_same_error_in_log_and_report(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    line.put("b", endless=True)
    process = survey(line, PATIENCE)
    code = process.wait(timeout=120)
    told = (tmp_path / "log").read_text()
    assert code == ExitCode.TRANSIENT, told
    report = json.loads((tmp_path / "report").read_text())
    assert report["message"] == "raw: listing this source made no progress for 0.5 s"
    assert "its adapter if it is your own" in report["hint"]
    assert [json.loads(text)["level"] for text in told.splitlines()][-1] == "error"
    assert "Traceback" not in told
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # the child has ended too
    assert line.data("raw").last is None


def test_a_survey_that_lists_all_reports_it_and_ends_with_zero(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    process = survey(line)
    assert process.wait(timeout=120) == 0
    assert json.loads((tmp_path / "report").read_text())["sources"]["raw"]["items"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_survey_ends_with_its_process(tmp_path: Path, number: signal.Signals) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    line.put("b", sleep=3600)
    process = survey(line)
    while not (lister := children(process.pid)):
        time.sleep(0.01)
    process.send_signal(number)
    expected = {signal.SIGTERM: {ExitCode.TRANSIENT, -signal.SIGTERM}, signal.SIGKILL: {-signal.SIGKILL}}
    assert process.wait(timeout=120) in expected[number]
    end = time.monotonic() + 60
    while running(lister[0]):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_survey_whose_lister_is_killed_ends_as_if_it_were_killed_itself(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("b", sleep=3600)
    process = survey(line)
    while not (lister := children(process.pid)):
        time.sleep(0.01)
    os.kill(lister[0], signal.SIGKILL)
    assert process.wait(timeout=120) == -signal.SIGKILL
