"""The process that draws a report where one was prepared for it: a summary and pictures in, the page out."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection

from reelmill.contract.commands.summary import Summary
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill_stages.run_report.document import shown
from reelmill_stages.run_report.gallery import Sheet
from reelmill_stages.run_report.page import drawn_fields, drawn_plots, written

Order = tuple[Summary, Mapping[str, Sequence[str]], Sequence[Sheet], RunDefinition]
"""The summary, stage -> its upstreams, the pictures, and the pipeline."""


def serve(connection: Connection) -> None:
    """Answer one order with the page."""
    order: Order = connection.recv()
    summary, reads, sheets, definition = order
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as other:  # this process has one thread
        fields = other.submit(drawn_fields, summary, reads)
        plots = drawn_plots(summary)
        connection.send(written(summary, reads, fields.result(), plots, sheets, document_of(definition)))


def document_of(definition: RunDefinition) -> str:
    """The YAML of the pipeline; empty: it is not known."""
    return shown(definition.document, definition.text) if definition.document else ""
