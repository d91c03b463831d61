"""The commands that README and quickstart show are run as they stand, and print what the page says they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.inputs import prepare
from repo.pages import blocks

pytestmark = pytest.mark.store

HOME = "/home/me/first"
"""The folder that the quickstart's reader works in."""


def shown(page: str) -> list[tuple[str, list[str]]]:
    """(command, what the page says that it prints) of every console block, in order."""
    told: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(page, "console")).splitlines():
        if line.startswith("$ "):
            told.append((line[2:], []))
        else:
            told[-1][1].append(line)
    return told


def ran(command: str, folder: Path) -> str:
    """What a shell prints, both streams together, as far as a page shows it: no blanks at the end of lines."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REELMILL_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent),
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def test_the_quickstarts_commands_print_what_it_says(tmp_path: Path) -> None:
    prepare(tmp_path / "demo")
    setting_up = [block for block in blocks("docs/quickstart.md", "sh") if "first/videos" in block]
    words = [line for block in setting_up for line in block.splitlines() if line.startswith(("mkdir", "cp"))]
    ran(" && ".join(words), _made(tmp_path))
    folder = tmp_path / "first"
    (pipeline,) = [block for block in blocks("docs/quickstart.md", "yaml") if block.startswith("apiVersion")]
    (folder / "pipeline.yaml").write_text(pipeline)
    for command, told in shown("docs/quickstart.md"):
        said = ran(command, folder).splitlines()
        printed = [line.split() for line in said]  # the width of columns depends on numbers that vary
        missing = [line for line in told if line.replace(HOME, str(folder)).split() not in printed]
        assert not missing, f"{command} printed {said}"
    (row,) = blocks("docs/quickstart.md", "text")
    listed = ran("reelmill prune pipeline.yaml 2>/dev/null", folder).splitlines()
    numbers = re.compile(r" +\d+ +\d+ +")
    assert [numbers.sub(" ", line) for line in listed[1:]] == [numbers.sub(" ", row.strip())]


def test_the_readmes_pipeline_runs_with_its_commands(tmp_path: Path) -> None:
    folder = _made(tmp_path / "mine")
    prepare(folder)
    captions = (folder / "captions.csv").read_text().splitlines()
    (folder / "captions.csv").write_text("\n".join(line for line in captions if "corrupt" not in line) + "\n")
    (commands,) = [block for block in blocks("README.md", "sh") if "reelmill init" in block]
    init, *others = [line.partition("#")[0].replace(".venv/bin/", "").strip() for line in commands.splitlines()]
    (folder / "pipeline.yaml").unlink()
    ran(init, folder)
    ran("reelmill validate pipeline.yaml", folder)
    (pipeline,) = [block for block in blocks("README.md", "yaml") if block.startswith("apiVersion")]
    (folder / "pipeline.yaml").write_text(pipeline)
    said = [ran(command, folder) for command in others]
    assert [command.split()[1] for command in others] == ["plan", "run", "ledger"]
    assert "complete: ./data" in said[1]
    assert "listing" in said[2]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
