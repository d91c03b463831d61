"""Nothing reads what only Linux has without a way around it: product and tests run on any laptop."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import host
from repo.tree import ROOT, files

LINUX_FILES = ("/proc", "/sys/")
PLACES = {
    "operator/src/reelmill/processes/template.py",
    "stages/src/reelmill_stages/host/cgroup.py",
    "stages/src/reelmill_stages/host/local_process.py",
    "stages/src/reelmill_stages/host/resident.py",
    "tests/host.py",
    "tests/bench/machine.py",
    "tests/clip/test_clip_scenes.py",
    "tests/cluster/leftovers.py",
    "tests/repo/test_hosts.py",
}
"""Each copes with a system that has not these files."""
LINUX_ONLY = (
    "tests/cluster/", "tests/nodes/", "tests/images/", "tests/bench_operator/", "tests/endurance/", "tests/processes/",
)  # fmt: skip
"""Nodes and images, whose containers are processes of a Linux kernel, a benchmark that says what it needs, and forked
processes, which there are on Linux only."""


def strings(path: Path) -> set[str]:
    """String constants of a module, docstrings left out."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {node.value for node in constants} - docs


def test_files_that_only_linux_has_are_read_in_few_places() -> None:
    found = {
        name
        for path in files()
        if path.suffix == ".py" and not (name := str(path.relative_to(ROOT))).startswith(LINUX_ONLY)
        if any(word in path.read_text() for word in LINUX_FILES)
        if any(word in text for text in strings(path) for word in LINUX_FILES)
    }
    assert found <= PLACES, found - PLACES


def test_a_host_without_a_process_file_system_answers_the_same(tmp_path: Path) -> None:
    sleep = [sys.executable, "-S", "-c", "import time; print(flush=True); time.sleep(60)", "marked"]
    with subprocess.Popen(sleep, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        try:
            for proc in (host.PROC, tmp_path):
                assert child.pid in host.children(os.getpid(), proc)
                assert "marked" in host.command_line(child.pid, proc)
            assert host.alive(child.pid)
            assert host.running(child.pid, proc)
        finally:
            child.kill()
    assert not host.alive(child.pid)
    assert host.command_line(child.pid, tmp_path) == ""


@pytest.mark.parametrize("there", [True, False])
def test_the_peak_of_a_process_is_known_with_and_without_a_process_file_system(tmp_path: Path, there: bool) -> None:
    if there and not host.PROC.joinpath("self").exists():
        pytest.skip("this system has no /proc")
    assert 10 < host.peak_memory(host.PROC if there else tmp_path) < 100_000
