"""The shards step: process and commit one shard.

Writes happen in this order: outputs of single items, the frozen outcomes, files with several items, rows, the commit.
So two pods that run the same shard cannot produce different results, and a kill at any point leaves no incomplete data
that look complete.
"""

import logging
import shutil
import tempfile
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import NotFound, PreconditionFailed, StalePlan, TransientError
from reelmill.contract.log import event
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import Task
from reelmill_stages import registry
from reelmill_stages.host.cgroup import memory
from reelmill_stages.records import heartbeat
from reelmill_stages.records.crash_suspects import SuspectNotes
from reelmill_stages.records.pins import read_pins
from reelmill_stages.records.record_files import create
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.runtime.open.plan_blocks import read_plan
from reelmill_stages.runtime.open.step import check_definition
from reelmill_stages.runtime.outputs.work import Files
from reelmill_stages.runtime.shards.assembly import Assembly, FinishedGroup, upload_groups
from reelmill_stages.runtime.shards.checkpoint import read_checkpoints
from reelmill_stages.runtime.shards.log_upload import kept_log
from reelmill_stages.runtime.shards.outcomes import AGAIN, SettledInputFiles, each_with_outcome, read_settled
from reelmill_stages.runtime.shards.processing import Processing
from reelmill_stages.runtime.shards.progress import Progress
from reelmill_stages.runtime.shards.refused_by_assemble import write_refused
from reelmill_stages.runtime.shards.run_usage import RunUsage
from reelmill_stages.runtime.shards.shard_commit import ShardRows
from reelmill_stages.stage import Shard, Stage
from reelmill_stages.store import Store
from reelmill_stages.store.damage import address, refuse_misplaced_key
from reelmill_stages.store.locations import Locations

log = logging.getLogger(__name__)


def run_shard(context: StepContext, index: int) -> None:
    """Run the shard of a completion index until it is committed, by this process or by another one.

    Raises StalePlan if the plan does not match the task, Interrupted if the process was asked to stop, EarlyAbort and
    TransientError.
    """
    task = context.task
    paths = DataSetPaths(task.stage.name, task.stage.key).segment(task.segment)
    if _exists(context.store, paths.segment_json):
        event(log, "the segment is already closed", stage=task.stage.name, segment=task.segment)
        return
    opened = read_plan(context.store, paths, _likely_shard(task, index))
    if opened is None:
        raise StalePlan("the pass was never opened", where=paths.pass_json, hint="a new survey updates the plan")
    check_definition(task, opened)
    shard = logical_shard(task, index, len(opened.shards))
    if _exists(context.store, paths.shard(shard)):
        event(log, "the shard is already committed", stage=task.stage.name, segment=task.segment, shard=shard)
        return
    with kept_log(context.store, paths.log(shard, context.run)):
        ShardRun(context, paths, opened, shard).run()


def logical_shard(task: Task, index: int, shards: int) -> int:
    """The shard of a completion index. Raises StalePlan for an index outside the plan."""
    try:
        numbers: Sequence[int] = parse_ranges(task.shard_map) if task.shard_map else range(shards)
    except ValueError as error:
        raise StalePlan(f"the task names no shards: {error}", hint="a new survey updates the plan") from error
    if not 0 <= index < len(numbers) or numbers[index] >= shards:
        raise StalePlan(
            f"index {index} is not a shard of this pass, which has {shards}", hint="a new survey updates the plan"
        )
    return numbers[index]


def _likely_shard(task: Task, index: int) -> int:
    """The shard of an index before the plan is known; -1 if the task does not name it."""
    try:
        numbers: Sequence[int] = parse_ranges(task.shard_map) if task.shard_map else range(index + 1)
        return numbers[index]
    except (ValueError, IndexError):
        return -1


class ShardRun:
    """One run of one shard."""

    def __init__(self, context: StepContext, paths: SegmentPaths, opened: Pass, shard: int) -> None:
        self._context = context
        self._paths = paths
        self._opened = opened
        self._shard = shard
        self._plan = opened.shards[shard]
        self._first = opened.first_ordinal + sum(plan.count for plan in opened.shards[:shard])
        """Number of the shard's first input, for a stage with `assemble`."""
        self._stage: Stage = registry.stage(context.task.stage.type, context.task.stage.params)
        self._progress = self._begin()
        self._groups: list[FinishedGroup] = []
        self._counters: dict[str, int] = {}
        self._files: Files | None = None
        self._rows: ShardRows | None = None
        self._usage = RunUsage(
            context.meter, context.store, paths, shard, context.run, context.task.limits.checkpoint_seconds
        )

    def run(self) -> None:
        """Run the shard."""
        context = self._context
        most, process = context.task.limits.memory_max, heartbeat.runner(context.task, context.env).process
        flight = SuspectNotes(
            context.store, self._paths, self._shard, context.run, memory=memory(), memory_max=most, process=process
        )
        if flight.careful:
            message = "an earlier run crashed: recording the items being processed"
            event(log, message, level=logging.WARNING, shard=self._shard)
        try:
            self._run(flight)
        finally:
            self._forget_rows()
            self._usage.end()
            flight.end()

    def _run(self, flight: SuspectNotes) -> None:
        self._progress.line()
        outcomes = self._settle(flight)
        context, store, paths = self._context, self._context.store, self._paths
        groups = upload_groups(store, paths, self._shard, self._groups, self._first)
        self._rows = self._rows or self._rows_of(outcomes)
        commit = self._rows.commit(
            store,
            paths,
            self._shard,
            len(self._opened.shards),
            context.run,
            groups=groups,
            spanning_counters=self._counters,
            usage=self._usage.take(),
        )
        stored, ours = create(store, paths.shard(self._shard), commit)
        self._usage.committed(ours=ours)
        self._progress.line()
        event(
            log,
            "committed" if ours else "committed by another run",
            stage=self._opened.stage,
            segment=self._opened.segment,
            shard=self._shard,
            **stored.counts.model_dump(by_alias=True),
        )

    def _settle(self, flight: SuspectNotes) -> Path:
        """Determine the outcomes of all inputs and freeze them; returns the file of the frozen outcomes."""
        frozen = self._frozen()
        if frozen and not self._stage.spans:
            for settled in read_settled(frozen, self._outcomes):
                self._progress.count(settled.ledger.outcome)
            return frozen
        if frozen is None:
            earlier = read_checkpoints(self._context.store, self._paths, self._shard, self._context.scratch)
            ours = self._process(None, earlier, flight)
            frozen, won = self._freeze(ours)
            if not won:
                self._forget_rows()
            if won or not self._stage.spans or _are_equal_outcomes(ours.path, frozen):
                return frozen
            event(log, "adopting different outcomes that another run recorded", shard=self._shard)
        law = SettledInputFiles()
        law.add(frozen, self._outcomes)
        self._process(law, SettledInputFiles(), flight)
        return frozen

    def _process(self, frozen: SettledInputFiles | None, earlier: SettledInputFiles, flight: SuspectNotes) -> RowFile:
        self._groups = []
        self._progress = self._begin()
        folder = self._folder("work")
        assembly = None
        if self._stage.spans and self._plan.count:
            shard = Shard(
                index=self._shard,
                of=len(self._opened.shards),
                first_number=self._first,
                count=self._plan.count,
                segment=self._opened.segment,
                scratch=self._folder("assemble"),
                read=self._read,
            )
            assembly = Assembly(self._stage, shard, self._folder("taken"), self._paths)
        self._forget_rows()
        if not self._stage.spans:
            self._rows = ShardRows(self._folder("commit"))
        processing = Processing(
            self._context,
            self._opened,
            self._shard,
            self._stage,
            self._progress,
            frozen=frozen,
            earlier=earlier,
            flight=flight,
            usage=self._usage,
            rows=self._rows,
        )
        outcomes = processing.run(folder, assembly)
        self._counters = {StageCounter.FEWER_WORKERS: 1} if processing.fewer_workers else {}
        if assembly is None:
            return outcomes
        self._groups = assembly.groups
        self._counters |= assembly.counters
        if assembly.refused and frozen is not None:
            raise TransientError(
                "another run of this shard assembled an input that was refused here",
                hint="the shard is retried, unless the other run commits it",
            )
        return write_refused(outcomes, assembly.refused, self._first, folder) if assembly.refused else outcomes

    def _rows_of(self, outcomes: Path) -> ShardRows:
        """The rows of the shard's commit from its frozen outcomes."""
        rows = self._rows = ShardRows(self._folder("commit"))
        upstreams = self._context.task.stage.upstreams
        inputs = shard_inputs(
            self._context.store, self._opened, self._shard, self._context.scratch, upstreams=upstreams
        )
        settled = read_settled(outcomes, self._outcomes, below=f"{self._paths.root}/")
        for given, one in each_with_outcome(inputs, settled, attrgetter("key", "ordinal"), self._outcomes):
            rows.add(given, one)
        return rows

    def _forget_rows(self) -> None:
        """Close the files of rows that are already committed, or whose outcomes another run froze differently."""
        if self._rows:
            self._rows.close()
            self._rows = None

    def _read(self, uri: str, digest: str = "") -> Path:
        """A file that a parameter refers to."""
        if self._files is None:
            task = self._context.task
            pins = read_pins(self._context.store, self._paths.data_set, self._stage.block)
            locations = Locations(task.store, task.sources, self._context.env)
            self._files = Files(locations, pins, self._folder("files"))
        return self._files.read(uri, digest)

    @property
    def _outcomes(self) -> str:
        """Address of the frozen outcomes."""
        return address(self._context.store, self._paths.outcomes(self._shard))

    def _begin(self) -> Progress:
        return Progress(self._opened.stage, self._opened.segment, self._shard, self._plan.count)

    def _frozen(self) -> Path | None:
        """A local copy of the frozen outcomes, or None."""
        try:
            found = self._context.store.fetch(self._paths.outcomes(self._shard), self._folder("frozen"))
            refuse_misplaced_key(self._context.store, self._paths.outcomes(self._shard), AGAIN)
        except NotFound:
            return None
        copy = self._context.scratch / "frozen.jsonl"
        shutil.copyfile(found, copy)
        return copy

    def _freeze(self, ours: RowFile) -> tuple[Path, bool]:
        """Freeze the outcomes of this run, or adopt those of an earlier one; returns (file, whether they are ours)."""
        try:
            ours.upload(self._context.store, self._paths.outcomes(self._shard))
        except PreconditionFailed:
            theirs = self._frozen()
            if theirs is None:
                raise
            return theirs, False
        return ours.path, True

    def _folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._context.scratch))


def _are_equal_outcomes(ours: Path, theirs: Path) -> bool:
    """Whether two files of outcomes have the same done inputs."""
    pairs = zip(read_settled(ours), read_settled(theirs), strict=True)
    return all((one.key, one.is_done) == (other.key, other.is_done) for one, other in pairs)


def _exists(store: Store, key: str) -> bool:
    try:
        store.stat(key)
    except NotFound:
        return False
    return True
