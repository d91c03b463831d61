"""A worker process: runs the stage's `process` on one group at a time, and uploads the files of its items.

It is started by `safe_child.start`, communicates over one connection, and is killed by SIGKILL if it hangs. It does not
handle shards, ledgers and retries.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from reelmill.contract.errors import DiskFull, ItemError, ReelmillError, SpecError, StoreError, TransientError
from reelmill.contract.log import event, setup
from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.process.trace_context import traced
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Outcome, Output
from reelmill.contract.records.usage import Bound, Usage
from reelmill.contract.text.messages import shortened
from reelmill_stages import registry
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.host.headroom import check_headroom
from reelmill_stages.item_errors import failed
from reelmill_stages.media_file import WholeFileNeeded
from reelmill_stages.metering.work_clock import CLOCK
from reelmill_stages.records.rows.encoded_item import EncodedItem
from reelmill_stages.runtime.outputs.answers import StoreAnswers
from reelmill_stages.runtime.outputs.item_row import item_row
from reelmill_stages.runtime.outputs.payload_versions import Version, payload_versions
from reelmill_stages.runtime.outputs.upload import item_mark, put_output
from reelmill_stages.runtime.outputs.work import Files, GroupWork
from reelmill_stages.runtime.workers.messages import (
    Crashed,
    Fatal,
    Finished,
    InputResult,
    Job,
    Processed,
    Ready,
    WorkerConfig,
)
from reelmill_stages.runtime.workers.safe_child import serve_parent
from reelmill_stages.stage import Done, Failed, Filtered, Input, Result, Skipped, Stage
from reelmill_stages.store.locations import Locations
from reelmill_stages.store.metered import TRANSFERRED

_OUTCOMES = {Filtered: Outcome.FILTERED, Failed: Outcome.FAILED, Skipped: Outcome.SKIPPED}
_OF_THE_STORE = {ItemReason.MISSING, ItemReason.CHANGED, ItemReason.S3_5XX, ItemReason.UNREADABLE}
_ATTEMPTS = 3
"""Number of successive groups that needed whole files after all, after which a worker stops using ranges."""
_log = logging.getLogger(__name__)


class WorkerState:
    """The stage and its environment in this process."""

    def __init__(self, config: WorkerConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._locations = Locations(config.store, config.sources, os.environ)
        self._files = Files(self._locations, config.pins, config.folder / "files")
        self._gpu = _gpu(config.index)
        self._paths = DataSetPaths(config.stage.name, config.stage.key).segment(config.segment)
        data_set = DataSetPaths(config.stage.name, config.stage.key)
        self._answers = StoreAnswers(self._locations.store, data_set, config.run)
        self._in_vain = 0
        self._stage: Stage = registry.stage(config.stage.type, config.stage.params)

    def run(self, job: Job) -> Finished:
        """Process and upload one job. Raises exceptions that must end this worker."""
        began = time.monotonic()
        with CLOCK.on(Bound.COMPUTE):
            results, work = self._process(job)
            self._connection.send(Processed())
            payload = [payload_versions(result) if self._stage.spans else () for result in results]
            results = _of_one_version(job.inputs, results, work.changed())
            input_results = [self._input_result(*each) for each in zip(job.inputs, results, payload, strict=True)]
            self._delete_unneeded(job.folder, work.fetched, input_results)
        read, written = TRANSFERRED.take()
        usage = Usage(bytes_read=read, bytes_written=written, work=CLOCK.take())
        return Finished(input_results, time.monotonic() - began, usage)

    def _process(self, job: Job) -> tuple[Sequence[Result], GroupWork]:
        """The results of the stage, and the work that they were made with.

        If ranges of the media do not suffice, or an item that was read by ranges failed, the group is processed again
        with whole files, and those results are used.
        """
        if self._in_vain < _ATTEMPTS:
            work = GroupWork(self._locations, self._files, job.folder, self._gpu, ranges=True, answers=self._answers)
            try:
                results = self._results(job, work)
                if not work.used_ranges or not any(_may_differ_for_whole_file(result) for result in results):
                    self._in_vain = 0 if work.used_ranges else self._in_vain
                    return results, work
                why = "an item failed"
            except WholeFileNeeded as error:
                self._in_vain += 1
                why = str(error)
            finally:
                work.close()
            event(_log, "reading whole files instead of ranges", item=job.inputs[0].item.key, why=why)
            shutil.rmtree(job.folder)
        work = GroupWork(self._locations, self._files, job.folder, self._gpu, answers=self._answers)
        return self._results(job, work), work

    def _results(self, job: Job, work: GroupWork) -> Sequence[Result]:
        try:
            results: Sequence[Result] = list(self._stage.process(job.inputs, work))
        except ItemError as error:
            results = [failed(error)] * len(job.inputs)
        if len(results) != len(job.inputs):
            raise ValueError(f"the stage returned {len(results)} results for {len(job.inputs)} inputs")
        return results

    def _input_result(self, input_: Input, result: Result, payload: Sequence[Version]) -> InputResult:
        if not isinstance(result, Done):
            return not_done(result)
        try:
            rows = self._upload(input_, result)
        except ItemError as error:
            return InputResult(Outcome.FAILED, error.reason, shortened(error.what))
        done = result if self._stage.spans else None
        signature = result.signature if self._stage.decides else None
        message = shortened(result.message)
        counters = dict(result.counters)
        return InputResult(
            Outcome.DONE,
            message=message,
            items=rows,
            counters=counters,
            done=done,
            payload=payload,
            signature=signature,
        )

    def _upload(self, input_: Input, done: Done) -> list[EncodedItem]:
        """Upload the files of an input's items; returns the rows. Raises ItemError for a name that exists already."""
        mark = item_mark(self._config.stage.key, self._config.segment, input_.item.key)
        ordered = input_.item.position is not None and len(done.items) == 1
        written: dict[str, Output] = {}
        rows: list[EncodedItem] = []
        for new in done.items:
            for file in new.files:
                if file.name in written:
                    raise ItemError(ItemReason.NAME_TAKEN, f"two files of this item have the name {file.name}")
                written[file.name] = put_output(self._locations.store, self._paths.output(file.name), file.path, mark)
            rows.append(item_row(new, written, input_.number if ordered else None))
        return rows

    def _delete_unneeded(self, folder: Path, fetched: Path, results: Sequence[InputResult]) -> None:
        payload = [file.path for result in results if result.done for file in result.done.payload]
        if not payload:
            shutil.rmtree(folder, ignore_errors=True)
        elif not any(path.is_relative_to(fetched) for path in payload):
            shutil.rmtree(fetched, ignore_errors=True)


def _of_one_version(
    inputs: Sequence[Input], results: Sequence[Result], changed: Mapping[str, ItemError]
) -> Sequence[Result]:
    """The results; those of inputs whose media changed while they were read are failures.

    All inputs of the group fail if other media changed than those of an input.
    """
    if not changed:
        return results
    media = [input_.item.media.uri if input_.item.media else "" for input_ in inputs]
    shared = next((error for uri, error in changed.items() if uri not in media), None)
    errors = [shared or changed.get(uri) for uri in media]
    return [failed(error) if error else result for error, result in zip(errors, results, strict=True)]


def not_done(result: Filtered | Failed | Skipped) -> InputResult:
    """The message for an input that was not done."""
    return InputResult(_OUTCOMES[type(result)], result.reason, shortened(result.message))


def _may_differ_for_whole_file(result: Result) -> bool:
    """Whether a whole file may give another result."""
    return isinstance(result, Failed) and result.reason not in _OF_THE_STORE


def serve(connection: Connection) -> None:
    """Process jobs until there are no more, or until one ends this worker."""
    config: WorkerConfig = connection.recv()
    setup(level=config.level, worker=config.index, **traced(os.environ))
    CLOCK.restart()
    try:
        check_headroom()
        with CLOCK.on(Bound.COMPUTE):
            worker = WorkerState(config, connection)
        connection.send(Ready())
        while (job := connection.recv()) is not None:
            connection.send(worker.run(job))
    except Exception as error:
        connection.send(_failure_message(error))


def _failure_message(error: Exception) -> Fatal | Crashed:
    if reason := exhausted(error):
        return Crashed(_error_text(error), reason)
    if isinstance(error, SpecError | StoreError | TransientError):
        return Fatal(error)
    if is_disk_full(error):
        return Fatal(DiskFull("the scratch disk is full", hint="give the stage more scratch space, then run again"))
    return Crashed(_error_text(error))


def _error_text(error: Exception) -> str:
    if isinstance(error, ReelmillError):
        return str(error)
    place = _error_place(error)
    return shortened(f"{type(error).__name__}: {error}{f' ({place})' if place else ''}")


def _error_place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


def _gpu(index: int) -> int | None:
    from reelmill_stages.media.gpu import gpus

    found = gpus()
    return found[index % len(found)].index if found else None


if __name__ == "__main__":
    serve_parent(serve)
