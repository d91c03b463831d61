"""No Python file that happens to lie in the current folder is imported by a process of ours."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import footage
from cli.terminal import write
from reelmill.contract.process import import_path
from reelmill_stages.runtime.workers import safe_child

pytestmark = pytest.mark.store  # needs no server, but starts many processes

PROGRAM = Path(sysconfig.get_path("scripts")) / "reelmill"
BESIDE = (
    "av", "numpy", "yaml", "pydantic", "typer", "minio", "reelmill_stages", "random", "queue", "json", "logging",
    "multiprocessing", "tempfile", "ffmpeg",
)  # fmt: skip
"""Modules that we import and Python's own, under whose names a folder may hold something else."""
TRACE = (
    "with open({trace!r}, 'a') as trace:\n    trace.write(__name__ + '\\n')\nraise ImportError('not the real one')\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder from elsewhere: a pipeline, a video, and Python files that tell when they are run."""
    for name in BESIDE:
        (tmp_path / f"{name}.py").write_text(TRACE.format(trace=str(tmp_path / "TRACE")))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").symlink_to(footage.video(seconds=1.0, size=(64, 32), audio=False))
    write(tmp_path)
    return tmp_path


def run_in_folder(folder: Path, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """A command in that folder, with an environment in which nothing has been made safe before."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_commands_and_all_that_they_start_import_nothing_from_the_current_folder(folder: Path) -> None:
    for command in (
        ["validate", "pipeline.yaml"],
        ["plan", "pipeline.yaml"],
        ["run", "pipeline.yaml", "-q"],
        ["replay", "pipeline.yaml", "spans", "a.mp4", "--to", "again"],
    ):
        done = run_in_folder(folder, [str(PROGRAM), *command])
        assert (command, done.returncode, done.stderr[-500:] if done.returncode else "") == (command, 0, "")
    assert not (folder / "TRACE").exists()


@pytest.mark.parametrize("module", ["reelmill.cli", "reelmill_stages"])
def test_a_module_that_is_run_without_p_takes_the_folder_off_the_path(folder: Path, module: str) -> None:
    for name in ("json", "logging", "reelmill_stages"):
        (folder / f"{name}.py").unlink()  # what Python itself looks up to run a module is out of reach
    done = run_in_folder(
        folder, [sys.executable, "-m", module, *(["validate", "pipeline.yaml"] if module == "reelmill.cli" else [])]
    )
    assert done.returncode == (0 if module == "reelmill.cli" else 64), done.stderr
    assert not (folder / "TRACE").exists()


def test_a_worker_starts_with_a_safe_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    connection, process = safe_child.start("reelmill_stages.runtime.workers.worker_main", os.environ)
    connection.close()
    assert process.wait(60) == 1
    assert not (folder / "TRACE").exists()


@pytest.mark.parametrize(
    ("given", "safe"),
    [(None, None), ("", ""), (":", ""), ("a", "a"), (":a::b:", "a:b"), (".", "."), ("a:.", "a:.")],
)
def test_empty_entries_of_pythonpath_go_and_named_folders_stay(given: str | None, safe: str | None) -> None:
    before = {"X": "1"} if given is None else {"X": "1", "PYTHONPATH": given}
    after = import_path.environment(before)
    assert (after.get("PYTHONPATH"), after["PYTHONSAFEPATH"], after["X"]) == (safe, "1", "1")


def test_only_a_folder_that_the_user_names_is_on_the_path_of_a_step(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    for path, found in ((str(tmp_path), True), (".", True), ("", False), (":", False), ("/nowhere:", False)):
        environment = import_path.environment({**os.environ, "PYTHONPATH": path})
        done = subprocess.run(
            import_path.command("mine"), env=environment, cwd=tmp_path, capture_output=True, check=False
        )
        assert (path, done.returncode == 0) == (path, found)
