"""The suite says which tiers ran, and a required tier that did not run is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repo.tree import ROOT

SUITE = """\
import pytest

def test_pure(): pass

@pytest.mark.store
def test_with_a_server(): pass

@pytest.mark.store
def test_without(): {body}
"""


def suite(
    folder: Path, *, require: str = "", tiers: str = "", body: str = "pass", select: str = "", workers: int = 0
) -> tuple[int, str]:
    """Exit status and output of a small suite with the plugin."""
    (folder / "test_small.py").write_text(SUITE.format(body=body))
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\nmarkers = store: x\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tiers", *(["-m", select] if select else [])]
    command += ["-p", "xdist", "-n", str(workers)] if workers else []
    environment = {**os.environ, "REELMILL_REQUIRE": require, "REELMILL_TIERS": tiers}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_one_line_before_the_last_says_what_ran(tmp_path: Path) -> None:
    code, out = suite(tmp_path, require="unit,store")
    *_, tiers, last = out.splitlines()
    assert (code, tiers) == (0, "tiers: unit 1 passed; store 2 passed")
    assert last.startswith("3 passed")


def test_tiers_are_counted_over_all_processes(tmp_path: Path) -> None:
    code, out = suite(tmp_path, require="unit,store", body="pytest.skip('no server here')", workers=2)
    assert (code, "tiers: unit 1 passed; store 1 passed, 1 skipped (no server here)" in out) == (1, True)
    assert out.count("tier store was required") == 1


@pytest.mark.parametrize("require", ["", "unit"])
def test_a_tier_that_cannot_run_is_skipped_with_its_reason(tmp_path: Path, require: str) -> None:
    code, out = suite(tmp_path, require=require, body="pytest.skip('no server here')")
    assert code == 0
    assert "tiers: unit 1 passed; store 1 passed, 1 skipped (no server here)" in out


def test_a_required_tier_that_cannot_run_is_a_failure(tmp_path: Path) -> None:
    code, out = suite(tmp_path, require="store", body="pytest.skip('no server here')")
    assert (code, "tier store was required" in out) == (1, True)
    for select in ("not store", "nothing"):
        code, out = suite(tmp_path, require="unit,store", select=select)
        assert (code, "tier store was required" in out) == (1, True)


def test_a_required_tier_is_left_to_the_session_that_was_asked_to_run_it(tmp_path: Path) -> None:
    code, out = suite(tmp_path, require="unit,store", tiers="unit")
    assert (code, "tiers: unit 1 passed" in out, "store" in out) == (0, True, False)


def test_an_unknown_tier_is_a_mistake(tmp_path: Path) -> None:
    assert suite(tmp_path, require="untit")[0] == 4
