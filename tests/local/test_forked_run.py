"""Runs whose steps are forked: what is killed is that one alone, nothing outlives a run, and there is a way on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import footage
from host import children, command_line, running
from reelmill.processes.start_method import ENV

pytestmark = [
    pytest.mark.store,  # needs no server, but the seconds that this tier may take
    pytest.mark.skipif(sys.platform != "linux", reason="steps are forked on Linux only"),
]

PROGRAM = str(Path(sys.executable).with_name("reelmill"))
PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: forked}
spec:
  store: {uri: ./data}
  sources:
  - name: raw
    files: {uri: ./videos}
  stages:
  - name: clips
    clip: {by: length, length: 1s, mode: copy}
  - name: tars
    pack: {sampler: "odd_sampler:Odd"}
"""
"""The last stage waits for a file, so that a run lasts until a test has seen and killed what it wants."""
SAMPLERS = Path(__file__).parents[1] / "e2e"
TEMPLATE = "reelmill.processes.template"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline that clips eight videos."""
    (tmp_path / "videos").mkdir()
    for number in range(8):
        shutil.copy(footage.video(seconds=2.0), tmp_path / "videos" / f"waiting{number}.mp4")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return tmp_path


def start(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAM, "run", "pipeline.yaml", "-v", "-o", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SAMPLERS), "GO": str(folder / "go"), ENV: "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(found: Callable[[], list[int]]) -> list[int]:
    end = time.monotonic() + 120
    while not (pids := found()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return pids


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)


def template(run: "subprocess.Popen[str]") -> int:
    (pid,) = until(lambda: [pid for pid in children(run.pid) if TEMPLATE in command_line(pid)])
    return pid


def ended(run: "subprocess.Popen[str]", folder: Path) -> str:
    """Let a run go on to its end; its standard error."""
    (folder / "go").touch()
    _, err = run.communicate(timeout=600)
    return err


def clips(folder: Path) -> int:
    return len(list((folder / "data").rglob("*.mp4")))


def test_a_step_or_worker_that_is_killed_is_only_that_one_and_is_tried_again(folder: Path) -> None:
    with start(folder) as run:
        parent = template(run)
        kill(until(lambda: children(parent)))
        for _ in range(2):  # if there is still something to do
            time.sleep(0.1)
            kill(children(parent))
        err = ended(run, folder)
    assert (run.returncode, clips(folder)) == (0, 16), err
    assert "steps start slower" not in err
    assert not running(parent)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_run_that_is_killed_and_the_next_one_goes_on(folder: Path, number: int) -> None:
    with start(folder) as run:
        parent = template(run)
        steps = until(lambda: children(parent))
        run.send_signal(number)
        run.communicate(timeout=600)
    assert run.returncode == (-number if number == signal.SIGKILL else 130)
    end = time.monotonic() + 120
    while any(map(running, [parent, *steps])):
        assert time.monotonic() < end
        time.sleep(0.02)
    with start(folder) as run:
        err = ended(run, folder)
    assert (run.returncode, clips(folder)) == (0, 16), err


def test_a_run_whose_template_is_killed_goes_on_and_says_so(folder: Path) -> None:
    with start(folder) as run:
        os.kill(template(run), signal.SIGKILL)
        err = ended(run, folder)
    assert (run.returncode, clips(folder)) == (0, 16), err
    assert err.count("warning: steps start slower from now on") == 1


def test_a_run_can_be_told_to_spawn_all_processes(folder: Path) -> None:
    with start(folder, **{ENV: "spawn"}) as run:
        (step,) = until(lambda: children(run.pid))[:1]
        assert TEMPLATE not in command_line(step)
        err = ended(run, folder)
    assert (run.returncode, clips(folder)) == (0, 16), err


def test_a_start_method_that_there_is_not_is_an_error_with_a_hint(folder: Path) -> None:
    with start(folder, **{ENV: "thread"}) as run:
        out, err = run.communicate(timeout=600)
    assert (run.returncode, out) == (2, "")
    assert err == "error: REELMILL_START_METHOD: 'thread' is no start method\nhint: use fork or spawn, or unset it\n"
