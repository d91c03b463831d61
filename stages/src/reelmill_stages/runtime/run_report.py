"""The report of a run: made for `reelmill report`, and written to the store by the step that ends the run.

A step ends a run if, once its pass is closed, no stage of the pipeline has anything to cover and none has an open pass.
Several steps may detect this at once: a report is created once, under the state of the data sets that it describes. A
run never fails because of its report; errors are logged.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reelmill.contract.commands.summary import Summary
from reelmill.contract.digest import sha256
from reelmill.contract.errors import NotFound, PreconditionFailed, ReelmillError, SpecError
from reelmill.contract.log import event
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.records.heartbeat import LocalProcess
from reelmill.contract.records.layout import SegmentPaths, run
from reelmill.contract.records.run import RunRecord
from reelmill.contract.task import CommitReport, StageDef, Task
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.contract.task_parts.tolerance import over_tolerance
from reelmill.processes.forked import CannotFork, ChildProcess, ProcessTemplate, lent_for_reports
from reelmill_stages.host.local_process import is_alive, local_process
from reelmill_stages.records.record_files import dump, load, peek
from reelmill_stages.run_report.gallery import Sheet, sheets
from reelmill_stages.runtime.context import Interrupted, StepContext
from reelmill_stages.runtime.preview_frames.clip_frames import can_be_seen, shots
from reelmill_stages.runtime.workers import safe_child
from reelmill_stages.store import Store
from reelmill_stages.summary.consistent_cut import ConsistentCut, cut
from reelmill_stages.summary.summarise import summarise

if TYPE_CHECKING:
    from reelmill_stages.run_report.page_process import Order

log = logging.getLogger(__name__)

PAGE_PROCESS = "reelmill_stages.run_report.page_process"
ENDS_SECONDS = 10.0
"""Seconds that a process may take to end after it closed its connection."""
HINT = "install reelmill-stages[report], in a checkout by pip install './stages[report]'"
ATTEMPTS = 2
"""Maximum number of attempts at a report, so that one that needs more memory than the pod has is not tried forever."""


def make_report(
    store: Store, task: Task, env: Mapping[str, str], seen: ConsistentCut, definition: RunDefinition
) -> tuple[Summary, bytes]:
    """The summary of the data sets, and the report about it.

    Raises SpecError if the packages for reports are not installed.
    """
    for package in ("jinja2", "matplotlib"):
        if find_spec(package) is None:
            raise SpecError(f"a run report needs the package {package}, which is not installed", hint=HINT)
    found = summarise(store, seen, definition)
    reads = seen.reads()
    pictures = partial(sheets, found, reads, can_be_seen, partial(shots, task, env))
    if template := lent_for_reports():
        with suppress(CannotFork):
            return found.summary, page_from_forked_process(template, env, (found.summary, reads, definition), pictures)
    # Imported here because matplotlib takes half a second, and no other step needs it.
    from reelmill_stages.run_report.page import page
    from reelmill_stages.run_report.page_process import document_of

    return found.summary, page(found.summary, reads, pictures(), document_of(definition))


def page_from_forked_process(
    template: ProcessTemplate, env: Mapping[str, str], order: "Order", pictures: Callable[[], Sequence[Sheet]]
) -> bytes:
    """The page, drawn by a process forked from a template that has imported matplotlib.

    This process makes the pictures in the meantime. Raises CannotFork, and RuntimeError if the process ends without an
    answer.
    """
    connection, process = safe_child.fork(template, PAGE_PROCESS, step_environment(env), name="reelmill report")
    try:
        with _early_end_explained(process):
            connection.send(order)
        drawings = pictures()
        with _early_end_explained(process):
            connection.send(drawings)
            html: bytes = connection.recv()
    finally:
        connection.close()
    return html


@contextmanager
def _early_end_explained(process: ChildProcess) -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as error:
        code = process.wait(ENDS_SECONDS)
        raise RuntimeError(f"the process that draws it ended early with code {code}") from error


def end_of_run(context: StepContext, closed: CommitReport) -> None:
    """Write the report of the run to the store if this step ended it. Raises Interrupted."""
    with _errors_logged():
        uid, stage = context.task.owner.uid, context.task.stage
        record = load(context.store, run(uid), RunRecord) if uid else None
        if record is None or not _has_stage(record, stage) or _has_next_stage(record, stage, closed):
            return
        seen = cut(context.store, record.task, context.scratch)
        if not _is_run_ended(context.store, seen, record.definition.tolerances):
            return
        _write(context, record, seen, _last_closed(context.store, seen))


@contextmanager
def _errors_logged() -> Iterator[None]:
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:
        hint = error.hint if isinstance(error, ReelmillError) else "create it with reelmill report"
        event(log, f"the run has no report: {error}", level=logging.WARNING, hint=hint)


def _has_stage(record: RunRecord, stage: StageDef) -> bool:
    return any((each.name, each.key) == (stage.name, stage.key) for each in record.task.stages)


def _has_next_stage(record: RunRecord, stage: StageDef, closed: CommitReport) -> bool:
    """Whether a stage will certainly cover the new segment; nothing is read to determine this.

    A stage with several upstreams may be blocked by the others.
    """
    names = [[upstream.name for upstream in each.upstreams] for each in record.task.stages]
    over = over_tolerance(record.definition.tolerances.get(stage.name), closed.totals)
    return [stage.name] in names and not over


def _is_run_ended(store: Store, seen: ConsistentCut, tolerances: Mapping[str, str | None]) -> bool:
    for stage in seen.entries:
        if not isinstance(stage, StageDef):
            continue
        gated = any(
            over_tolerance(tolerances[upstream.name], seen.data[upstream.name].totals)
            for upstream in stage.upstreams
            if upstream.name in tolerances
        )
        if (seen.uncovered(stage) and not gated) or _is_open(store, seen, stage):
            return False
    return True


def _is_open(store: Store, seen: ConsistentCut, stage: StageDef) -> bool:
    paths = seen.data[stage.name].paths(seen.segments[stage.name] + 1)
    return _exists(store, paths.pass_json)


def _last_closed(store: Store, seen: ConsistentCut) -> SegmentPaths:
    """The segment that was closed last: the same for all steps that end a run concurrently."""
    stages = [seen.data[entry.name] for entry in seen.entries if isinstance(entry, StageDef)]
    segments = [data.paths(data.last.segment) for data in stages if data.last]
    return max(segments, key=lambda paths: store.stat(paths.segment_json).modified)


def _write(context: StepContext, record: RunRecord, seen: ConsistentCut, paths: SegmentPaths) -> None:
    store, key = context.store, paths.run_report(seen.state)
    if _exists(store, key):
        return
    for number in range(ATTEMPTS):
        mark = paths.report_attempt(seen.state, number + 1)
        if _claim_attempt(store, mark):
            break
        if (maker := peek(store, mark, LocalProcess)) and is_alive(maker):
            return  # another step of this machine makes it
    else:
        event(
            log,
            f"no report of the run was made in {ATTEMPTS} attempts",
            level=logging.WARNING,
            hint="create it with reelmill report, where there is more memory",
        )
        return
    # Locations of pictures are not taken from the store: this step has its own store and its stage's sources.
    task = record.task.replace(store=context.task.store, sources=context.task.sources)
    _, html = make_report(store, task, context.env, seen, record.definition)
    try:
        store.write(key, html, create=True, metadata={"stage": paths.data_set.key, "digest": sha256(html)})
    except PreconditionFailed:
        return
    event(log, "the run has a report", report=f"{store.uri.rstrip('/')}/{key}")


def _claim_attempt(store: Store, key: str) -> bool:
    """Whether this process is the first to make this attempt."""
    maker = local_process(os.getpid())
    try:
        store.write(key, dump(maker) if maker else b"{}", create=True)
    except PreconditionFailed:
        return False
    return True


def _exists(store: Store, key: str) -> bool:
    try:
        store.stat(key)
    except NotFound:
        return False
    return True
