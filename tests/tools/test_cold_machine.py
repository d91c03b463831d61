"""A machine without a cache: an interrupted build leaves nothing that looks finished, and tests never build."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.fake_tools import Machine

pytestmark = pytest.mark.store  # needs no server, but starts many processes
PREPARE = ("-m", "tools")
LAUNCH = """
from cluster import launch
from cluster.unavailable import Unavailable
try:
    with launch.control_plane():
        pass
except Unavailable as problem:
    print(problem)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@contextmanager
def hanging(machine: Machine) -> Iterator["subprocess.Popen[str]"]:
    """A preparation whose compiler wrote half of a program and then hangs."""
    hang = Path(f"{machine.go}.hangs")
    hang.touch()
    with machine.start(*PREPARE, "kwok") as process:
        end = time.monotonic() + 600
        while not list(machine.cache.rglob(".gobin/kwok")) and time.monotonic() < end:
            time.sleep(0.05)
        yield process
    hang.unlink()


def test_a_build_that_was_killed_continues_and_leaves_nothing_that_looks_finished(machine: Machine) -> None:
    with hanging(machine) as killed:
        killed.kill()
    assert not machine.program("kwok").exists()
    status, said = machine.run(*PREPARE, "kwok")
    assert (status, "[1/1] kwok: ready" in said) == (0, True), said
    assert machine.program("kwok").read_text() == "whole\n"


def test_an_interrupt_ends_a_build_at_once_and_says_how_to_continue(machine: Machine) -> None:
    with hanging(machine) as stopped:
        stopped.send_signal(signal.SIGINT)
        said = stopped.communicate()[0]
    assert (stopped.returncode, "the same command goes on from here" in said) == (130, True)
    assert not machine.program("kwok").exists()


def test_a_compiler_that_fails_is_reported_with_its_words_and_nothing_is_there(machine: Machine) -> None:
    Path(f"{machine.go}.fails").touch()
    status, said = machine.run(*PREPARE, "helm")
    assert (status, "undefined: everything" in said) == (1, True)
    assert not machine.program("helm").exists()


def test_what_is_there_is_not_compiled_again(machine: Machine) -> None:
    assert machine.run(*PREPARE, "helm")[0] == 0
    before = list(machine.calls)
    assert machine.run(*PREPARE, "helm") == (0, "prepared: everything that helm needs is there\n")
    assert machine.calls == before


def test_a_test_that_finds_no_program_says_how_to_get_it_and_compiles_nothing(machine: Machine) -> None:
    status, said = machine.run("-c", LAUNCH)
    assert status == 0
    assert said.startswith("kube-apiserver is not prepared: run `make prepare TIERS=control-plane`")
    assert not machine.calls


def test_a_name_that_is_neither_a_tier_nor_a_tool_is_a_mistake(machine: Machine) -> None:
    status, said = machine.run(*PREPARE, "shop")
    assert (status, said.startswith("neither a tier nor a tool is called 'shop'")) == (1, True)
