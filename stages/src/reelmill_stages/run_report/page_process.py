"""The process that draws a report, where one was prepared: it receives a summary and pictures and returns the page."""

from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from reelmill.contract.commands.summary import Summary
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.run_report.document import shown
from reelmill_stages.run_report.gallery import Sheet
from reelmill_stages.run_report.page import drawn, written

Order = tuple[Summary, Mapping[str, Sequence[str]], RunDefinition]
"""The summary, stage -> its upstreams, and the pipeline. The pictures follow, a `Sequence[Sheet]`."""


def serve(connection: Connection) -> None:
    """Answer one order with the page. The plots are drawn while the pictures are made."""
    order: Order = connection.recv()
    summary, reads, definition = order
    plots = drawn(summary, reads)
    sheets: Sequence[Sheet] = connection.recv()
    connection.send(written(summary, reads, plots, sheets, document_of(definition)))


def document_of(definition: RunDefinition) -> str:
    """The YAML of the pipeline; empty if unknown."""
    return shown(definition.document, definition.text) if definition.document else ""
