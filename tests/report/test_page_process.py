"""The page from a process of its own is the same page, and such a process that ends early costs nothing else."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.processes.forked import CannotFork, OwnedTemplate
from reelmill.processes.report_template import ReportTemplate
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.run_report.gallery import Sheet, SheetPicture
from reelmill_stages.run_report.page import page
from reelmill_stages.run_report.page_process import Order, document_of
from reelmill_stages.runtime.run_report import page_from_forked_process
from reelmill_stages.summary.consistent_cut import cut
from reelmill_stages.summary.summarise import summarise
from report.generated_store import GeneratedStore, item

pytestmark = [
    pytest.mark.store,  # needs no server, but imports matplotlib in a new process
    pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only"),
]

SHEETS = [Sheet("clips", None, "clips", [SheetPicture("a", Shot(problem="no picture"))])]


@pytest.fixture(scope="module")
def template() -> Iterator[OwnedTemplate]:
    with OwnedTemplate(os.environ) as made:
        yield made


@pytest.fixture
def reports(template: OwnedTemplate) -> Iterator[ReportTemplate]:
    made = ReportTemplate(template, os.environ)
    yield made
    made.close()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    store = GeneratedStore(tmp_path / "store", stages=("clips",))
    items = [item(f"v{number}", duration=10.0 * number) for number in range(3)]
    done = [LedgerRow(each.key, 0, Outcome.DONE) for each in items]
    store.commit("raw", items, done, kind="listing")
    store.commit("clips", items, done)
    definition = RunDefinition(name="made", document={"kind": "VideoPipeline"})
    seen = cut(store.store, store.task)
    return summarise(store.store, seen, definition).summary, seen.reads(), definition


def test_the_page_is_the_one_that_this_process_would_make(reports: ReportTemplate, order: Order) -> None:
    summary, reads, definition = order
    drawn = page_from_forked_process(reports, os.environ, order, lambda: SHEETS)
    assert drawn == page(summary, reads, SHEETS, document_of(definition))


class Deadly:
    """Kills the process that receives it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return signal.raise_signal, (signal.SIGKILL,)


def test_a_process_that_is_killed_is_told_and_the_next_page_is_made(reports: ReportTemplate, order: Order) -> None:
    deadly: Any = [Deadly()]
    with pytest.raises(RuntimeError, match="ended early with code -9"):
        page_from_forked_process(reports, os.environ, order, lambda: deadly)
    assert page_from_forked_process(reports, os.environ, order, lambda: SHEETS)


def test_without_the_template_this_process_is_to_draw(reports: ReportTemplate, order: Order) -> None:
    os.kill(reports.pid, signal.SIGKILL)
    with pytest.raises(CannotFork):
        page_from_forked_process(reports, os.environ, order, lambda: SHEETS)
