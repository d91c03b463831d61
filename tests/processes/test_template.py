"""Processes forked from a template are like new ones, end with whoever asked for them, and do not harm each other."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from host import alive, children, running
from reelmill.processes.forked import CannotFork, ForkedProcess, OwnedTemplate
from reelmill.processes.step_template import STEPS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

HERE = Path(__file__).parent
PATIENCE = 120.0
"""Seconds, of the 600 for which processes sleep."""
DESCRIPTORS = 6
"""0, 1, 2, requests, and the two ends of the pipe that wakes it."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE)}


@pytest.fixture(scope="module")
def template() -> Iterator[OwnedTemplate]:
    with OwnedTemplate(ENVIRONMENT) as made:
        yield made


def forked(template: OwnedTemplate, target: str, *arguments: str, **options: Any) -> tuple[ForkedProcess, int]:
    """The process, and the end of its standard error."""
    read, write = os.pipe()
    try:
        given = {"environment": ENVIRONMENT, **options}
        return template.start(f"targets:{target}", *arguments, stderr=write, **given), read
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)


def said(template: OwnedTemplate, target: str, *arguments: str, **options: Any) -> tuple[int, str]:
    """Exit code and standard error."""
    process, read = forked(template, target, *arguments, **options)
    with os.fdopen(read) as stream:
        text = stream.read()
    return process.wait(PATIENCE), text


def pids(file: Path) -> list[int]:
    until(file.exists)
    return [int(pid) for pid in file.read_text().split()]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(*processes: int) -> None:
    until(lambda: not any(map(running, processes)))


def test_a_forked_process_is_like_a_new_one(template: OwnedTemplate, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "TZ": "UTC-7", "ODD": "\udcff=\n"}
    (tmp_path / "passed").touch()
    with (tmp_path / "passed").open() as passed:
        code, text = said(template, "facts", "one", environment=environment, descriptors=[passed.fileno()])
    found = json.loads(text)
    assert code == 0
    assert found["session"] == found["pid"] != os.getpid()
    assert (found["stdin"], found["stdout"]) == ("", os.devnull)
    assert found["environment"] == environment
    assert (found["temporary"], found["hour"]) == (str(tmp_path), 7)
    assert found["threads"] == 1
    assert found["sigchld"]
    *arguments, descriptor = found["arguments"]
    assert arguments == ["one"]
    assert {0, 1, 2, descriptor} < set(found["descriptors"])
    assert len(found["descriptors"]) == 5, "one more, of the folder that lists them"
    assert str(Path.cwd()) not in found["path"]
    assert "" not in found["path"]


def test_two_processes_draw_different_random_numbers(template: OwnedTemplate) -> None:
    one, other = (json.loads(said(template, "facts")[1])["random"] for _ in range(2))
    assert one != other


@pytest.mark.parametrize(("given", "code"), [("0", 0), ("75", 75), ("text", 1)])
def test_the_exit_code_is_that_of_sys_exit_after_all_threads(template: OwnedTemplate, given: str, code: int) -> None:
    assert said(template, "leave", given) == (code, "a thread ended\n")


def test_an_exception_is_printed_and_ends_with_one(template: OwnedTemplate) -> None:
    code, text = said(template, "fail")
    assert code == 1
    assert text.startswith("Traceback")
    assert text.endswith("LookupError: on purpose\n")


def test_a_killed_process_is_only_that_process_and_takes_its_group_along(
    template: OwnedTemplate, tmp_path: Path
) -> None:
    (one, read), (other, read_other) = (forked(template, "sleep", str(tmp_path / name)) for name in ("one", "other"))
    pid, child = pids(tmp_path / "one")
    other_pid, other_child = pids(tmp_path / "other")
    assert (pid, one.poll(), other.poll()) == (one.pid, None, None)
    os.kill(pid, signal.SIGKILL)
    assert one.wait(PATIENCE) == -signal.SIGKILL
    gone(pid, child)
    assert not alive(pid), "the template has waited for it"
    assert other.poll() is None
    assert running(other_child)
    with pytest.raises(subprocess.TimeoutExpired):
        other.wait(0.05)
    del other
    gone(other_pid, other_child)
    os.close(read)
    os.close(read_other)


def test_a_signal_to_a_process_whose_end_is_not_reported_yet_is_no_error() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(PATIENCE)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = ForkedProcess(ended.pid, ours)
        process.send_signal(0)  # which does nothing, also if another process has this number by now
        assert process.poll() is None


def test_a_process_that_nobody_waits_for_is_killed(template: OwnedTemplate, tmp_path: Path) -> None:
    process, read = forked(template, "deaf", str(tmp_path / "pids"))
    found = pids(tmp_path / "pids")
    del process
    gone(*found)
    os.close(read)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("victim", ["requester", "template"])
def test_a_process_ends_with_the_one_that_asked_for_it_and_with_the_template(
    tmp_path: Path, victim: str, number: int
) -> None:
    file = tmp_path / "pids"
    command = [sys.executable, "-P", str(HERE / "requester.py"), "targets:sleep", str(file), str(int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as requester:
        assert requester.stdout
        template = int(requester.stdout.readline())
        pid, child = pids(file)
        os.kill(requester.pid if victim == "requester" else template, signal.SIGKILL)
        gone(pid, template)
        if victim == "requester" and number == signal.SIGKILL:
            gone(child)
        requester.kill()
    if running(child):
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(child, signal.SIGKILL)  # not ours to end: SIGTERM is for the process alone


@pytest.mark.store
def test_a_step_that_is_asked_to_stop_may_finish_before_the_template_ends(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    command = [sys.executable, "-P", str(HERE / "requester.py"), "targets:deaf", str(file), str(int(signal.SIGTERM))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as requester:
        assert requester.stdout
        template = int(requester.stdout.readline())
        pid, child = pids(file)
        requester.kill()
        time.sleep(0.3)
        assert running(pid)
        assert running(template)
        os.kill(child, signal.SIGKILL)
        gone(pid, template)


def test_the_template_has_one_thread_and_keeps_no_file_and_no_zombie(template: OwnedTemplate) -> None:
    said(template, "facts")
    folder = Path(f"/proc/{template.pid}")
    until(lambda: len(list((folder / "fd").iterdir())) == DESCRIPTORS)
    assert len(list((folder / "task").iterdir())) == 1
    until(lambda: children(template.pid) == [])


@pytest.mark.store
def test_all_that_the_steps_of_a_pipeline_import_is_there_and_starts_no_thread() -> None:
    modules = [*STEPS, "reelmill_stages.store.s3.store"]
    modules += [
        f"reelmill_stages.stages.{name}.stage" for name in ("clip", "frames", "pack", "index", "tokenize", "chunk")
    ]
    assert all(map(find_spec, modules))
    with OwnedTemplate(ENVIRONMENT) as made:
        made.preload(modules)
        assert said(made, "leave", "0")[0] == 0
        assert len(list(Path(f"/proc/{made.pid}/task").iterdir())) == 1
        until(lambda: len(list(Path(f"/proc/{made.pid}/fd").iterdir())) == DESCRIPTORS)
        loaded = Path(f"/proc/{made.pid}/maps").read_text()
    assert "libtorch" not in loaded
    assert "libcuda" not in loaded


def test_a_process_waits_for_the_modules_that_it_needs_and_for_no_others() -> None:
    with OwnedTemplate(ENVIRONMENT) as made:
        made.preload(["held_up", "wave", "colorsys", "graphlib"])
        modules = ("wave", "colorsys", "graphlib")
        _, few = said(made, "imported", *modules, needs=["graphlib"])
        _, all_ = said(made, "imported", *modules)
    assert json.loads(few) == ["graphlib"]
    assert json.loads(all_) == list(modules)


def test_what_only_some_processes_need_is_imported_when_the_first_of_them_is_asked_for() -> None:
    modules = ("wave", "colorsys", "graphlib")
    with OwnedTemplate(ENVIRONMENT) as made:
        made.preload(["wave", "colorsys"], later=True)
        made.preload(["graphlib"])
        found = [said(made, "imported", *modules, needs=["graphlib"])]
        made.preload(["colorsys"])
        found += [said(made, "imported", *modules, needs=["colorsys"]), said(made, "imported", *modules)]
    assert [json.loads(text) for _, text in found] == [["graphlib"], ["colorsys", "graphlib"], list(modules)]


def test_a_template_with_threads_forks_nothing() -> None:
    with OwnedTemplate(ENVIRONMENT) as made:
        made.preload(["no_such_module", "threaded"])
        with pytest.raises(CannotFork):
            forked(made, "facts")


def test_a_template_that_was_killed_forks_nothing() -> None:
    with OwnedTemplate(ENVIRONMENT) as made:
        os.kill(made.pid, signal.SIGKILL)
        gone(made.pid)
        made.preload(["json"])
        with pytest.raises(CannotFork):
            forked(made, "facts")


@pytest.mark.skipif(os.geteuid() == 0, reason="root has no limit of processes")
def test_what_fork_fails_with_is_raised() -> None:
    with OwnedTemplate(ENVIRONMENT) as made:
        said(made, "facts")
        resource.prlimit(made.pid, resource.RLIMIT_NPROC, (1, 1))
        with pytest.raises(BlockingIOError):
            forked(made, "facts")
