"""The commands on the page about dataset cards do what the page says."""

import shlex
from pathlib import Path

import pytest

from cli.terminal import reelmill
from dataset_card.films import films
from repo.pages import blocks

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(films(tmp_path / "here").parent)
    ran = 0
    for block in blocks("docs/dataset-card.md", "console"):
        lines = block.splitlines()
        for number, line in enumerate(lines):
            if line.startswith("$ ls "):
                shown = [each for each in lines[number + 1 :] if not each.startswith("$")]
                assert shown == sorted(path.name for path in Path(line[5:]).iterdir() if path.name[0] != ".")
            elif line.startswith("$ "):
                said = reelmill(*shlex.split(line)[2:])
                assert said.code == 0, said.err
                ran += 1
    assert ran == 3
