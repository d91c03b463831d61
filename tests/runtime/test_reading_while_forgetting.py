"""A command that reads a store from which another one removes data shows one moment, or says what is happening."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.errors import StoreDamaged, TransientError
from reelmill.contract.task import Step, Task
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.commands.curation.report import report
from reelmill_stages.commands.export import export
from reelmill_stages.commands.ledger import summary
from reelmill_stages.runtime.forget.forgetting import begin, plan_of
from reelmill_stages.summary.one_moment import at_one_moment
from runtime.forgetting_line import GONE, NOW, copy_of, forget, run_line
from runtime.toy_line import Line

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return run_line(tmp_path_factory.mktemp("forget"))


@pytest.fixture
def line(ran: Line, tmp_path: Path) -> Line:
    return copy_of(ran, tmp_path / "copy")


def remove_rows(line: Line) -> None:
    """Remove what an interrupted command has removed: the rows and files of a stage."""
    for path in (line.root / "store/upper").rglob("*"):
        if path.is_file() and (path.name.startswith("items") or "/0001/" in str(path)) and path.suffix != ".json":
            path.unlink()


READERS: list[Callable[[Line, Task], object]] = [
    lambda line, task: export(task, os.environ, "upper", line.root / "exported", ExportMode.COPY),
    lambda line, task: report(task, os.environ, RunDefinition(name="line")),
]


@pytest.mark.parametrize("read", READERS, ids=["export", "report"])
def test_a_reader_names_the_command_that_is_removing_data(line: Line, read: Callable[[Line, Task], object]) -> None:
    task = line.task(Step.SURVEY)
    begin(line.store, plan_of(line.store, line.source, [GONE], NOW, line.root / "scratch"))
    remove_rows(line)
    with pytest.raises(TransientError, match="`reelmill forget` is removing items of raw") as caught:
        read(line, task)
    assert caught.value.hint.startswith("run this command again when it has ended")


@pytest.mark.parametrize("read", READERS, ids=["export", "report"])
def test_what_nobody_removes_is_damage(line: Line, read: Callable[[Line, Task], object]) -> None:
    remove_rows(line)
    with pytest.raises(StoreDamaged):
        read(line, line.task(Step.SURVEY))


def test_a_reader_that_was_overtaken_shows_the_moment_after(line: Line) -> None:
    attempts = []

    @at_one_moment
    def read(task: Task, env: object) -> int:
        attempts.append(1)
        before = line.data("upper")
        segments = list(before.segments())
        if len(attempts) == 1:
            forget(line, GONE)
        return sum(1 for segment in segments for part in segment.parts for _ in before.part_ledger(part))

    task = line.task(Step.SURVEY)
    assert read(task, os.environ) == sum(each.items for each in summary(task, os.environ, stages=["upper"]))
    assert len(attempts) == 2
