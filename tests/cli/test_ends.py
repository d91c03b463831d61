"""How a command ends that cannot end well: interrupted, without the stages, with a bug, into a closed pipe."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import footage
from cli.terminal import PIPELINE, write

pytestmark = pytest.mark.store

COMMAND = [sys.executable, "-m", "reelmill.cli"]
MANY = 30
WAITING = """\
  - name: tars
    from: [raw]
    pack: {sampler: "odd_sampler:Odd"}
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own."""
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline with many videos, whose last stage waits for the file `go`."""
    (tmp_path / "videos").mkdir()
    video = footage.video(seconds=2.0, size=(64, 48), audio=False)
    for number in range(MANY):
        shutil.copyfile(video, tmp_path / "videos" / f"waiting{number:02d}.mp4")
    before, _, pictures = PIPELINE.partition("  - name: spans")
    write(tmp_path, before + pictures[pictures.index("  - name: pictures") :] + WAITING)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "e2e"))
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    return tmp_path


def test_ctrl_c_stops_cleanly_and_the_next_run_continues(folder: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", "pipeline.yaml"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 600
    while not list(folder.glob("store/pictures/*/0001/*.jpg")) and not list(
        folder.glob("store/pictures/*/0001/*/*.jpg")
    ):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "resume with: reelmill run pipeline.yaml" in err
    (folder / "go").touch()
    again = run(folder, "run", "pipeline.yaml", "-o", "json")
    assert again.returncode == 0, again.stderr
    stages = json.loads(again.stdout)["stages"]
    assert len(stages) == 2
    for stage in stages:
        assert (stage["totals"]["in"], stage["totals"]["done"], stage["segments"]) == (MANY, MANY, 1)


def test_without_the_stages_a_command_names_the_package_to_install(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "reelmill" not in entry.name and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    source = Path(__file__).resolve().parents[2] / "operator" / "src"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (packages, source)))}
    path = write(tmp_path)

    commands = {"status": 2, "run": 2, "ledger": 2, "prune": 2, "validate": 0, "plan": 0}
    code = (
        "import sys\n"
        "from reelmill.cli import main\n"
        "for command in sys.argv[2:]:\n"
        "    try: main([command, sys.argv[1]])\n"
        "    except SystemExit as end: print(command, end.code, file=sys.stderr)\n"
    )
    command = [sys.executable, "-S", "-c", code, str(path), *commands]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    ends = [line for line in said.splitlines() if line.split()[0] in commands]
    assert ends == [f"{command} {code}" for command, code in commands.items()]
    assert said.count("pip install reelmill-stages") == 4


def test_a_bug_is_one_line_and_a_file_with_the_traceback(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from reelmill.cli import _run\n"
        "def app(**_): raise ZeroDivisionError('no\\nway')\n"
        "sys.exit(_run(app, []))"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    (log,) = (tmp_path / "reelmill").iterdir()
    assert said.returncode == 70
    assert said.stderr.splitlines() == [
        "error: internal error: ZeroDivisionError: no way",
        f"hint: please report it with {log}",
    ]
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("state", ["state", "a file"])
def test_each_of_several_crashes_has_a_report(tmp_path: Path, state: str) -> None:
    (tmp_path / "a file").touch()
    code = "from reelmill.cli.crash_reports import report_bug\nfor n in range(20): print(report_bug(ValueError(n)))"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / state), "TMPDIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    reports = [Path(line) for line in said.stdout.splitlines()]
    assert [f"ValueError: {number}" in report.read_text() for number, report in enumerate(reports)] == [True] * 20
    assert all(report.is_relative_to(tmp_path) and report.stat().st_mode & 0o777 == 0o600 for report in reports)


def test_a_closed_pipe_is_nothing_to_complain_about(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m reelmill.cli schema | head -1"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_no_colour_is_written_where_none_is_wanted(tmp_path: Path) -> None:
    write(tmp_path)
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": ""}
    said = subprocess.run(
        [*COMMAND, "plan", "--offline", "pipeline.yaml"], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert b"\x1b" not in said.stdout
