"""A complete data set in which tests damage objects, and the ways in which it is read."""

import os
import shutil
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.commands.result_rows import ExportMode, IntegrityResult
from reelmill.contract.errors import StoreDamaged
from reelmill.contract.task import Step
from reelmill_stages.commands import ledger
from reelmill_stages.commands.export import export
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.commands.replay import replay
from reelmill_stages.commands.status import status
from reelmill_stages.records.data_set import open_data_set

TEXTS = {"a": "a brown rabbit\n", "b": "broken? no\n", "c": "carphone\n"}


def built(root: Path) -> toy.Line:
    line = toy.Line(root)
    line.stage("upper")
    for key, text in TEXTS.items():
        line.put(key, text, fields={"text": text})
    line.list_row({"key": "gone", "file": str(line.root / "nowhere")})
    line.put("bad", "fail not_an_image\n")
    line.go()
    return line


def at(base: toy.Line, root: Path) -> toy.Line:
    shutil.copytree(base.root, root)
    return toy.Line(root, stages=list(base.stages), rows=list(base.rows), run=base.run)


def find(line: toy.Line, pattern: str) -> Path:
    found = sorted((line.root / "store").glob(pattern))
    assert found, pattern
    return found[0]


def key_of(line: toy.Line, path: Path) -> str:
    return path.relative_to(line.root / "store").as_posix()


def deep(line: toy.Line) -> IntegrityResult:
    return integrity(line.task(Step.SURVEY), os.environ)


def read(line: toy.Line, reader: str) -> None:
    """Read the store as one of its readers does."""
    task = line.task(Step.SURVEY)
    match reader:
        case "items":
            list(line.data("upper").items())
        case "raw":
            list(line.data("raw").items())
        case "next":
            line.run_pass(line.stage("again", "Upper", "upper"))
        case "open":
            line.open(line.stage("again", "Upper", "upper"))
        case "growth":
            line.put("d", "new\n")
            line.survey()
        case "ledger":
            list(ledger.rows(task, os.environ, item="*"))
        case "status":
            status(task, os.environ)
        case "replay":
            replay(task, os.environ, stage="upper", item="a", folder=line.root / "replayed", timeout=60)
        case "latest":
            open_data_set(line.store, "upper")
        case "export":
            for mode in ExportMode.LINK, ExportMode.COPY:
                with pytest.raises(StoreDamaged) as error:
                    export(task, os.environ, "upper", line.root / mode, mode)
            raise error.value
