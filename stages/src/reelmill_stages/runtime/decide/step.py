"""The decision over a pass, made once by a process that closes it, and final.

The files of verdicts and of the index have names of one run; `verdicts.json` names the valid ones and is created last.
A run that finds it, or loses the race for it, uses it. It includes the shards that the deciding run closed as lost, so
a later commit of such a shard has no effect.
"""

import logging
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from reelmill.contract.errors import ReelmillError
from reelmill.contract.log import event
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import KeptIndex, Object, Pass, ShardCommit, Verdicts
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import create, load
from reelmill_stages.records.row_files import rows_file
from reelmill_stages.runtime.context import StepContext
from reelmill_stages.runtime.decide import blocks
from reelmill_stages.runtime.decide.decided_rows import decided
from reelmill_stages.runtime.decide.order import SignatureOrder, SignedInput
from reelmill_stages.runtime.decide.pass_index import PassIndex
from reelmill_stages.runtime.decide.verdict_files import VerdictFiles
from reelmill_stages.stage import Filtered, Stage
from reelmill_stages.store.digests import file_digest

log = logging.getLogger(__name__)

_BATCH = 1 << 15
"""Largest number of inputs passed to `decide` at once."""
_BATCH_BYTES = 1 << 24
"""Largest total size of their signatures in bytes."""


def decide(
    context: StepContext,
    data: DataSet,
    opened: Pass,
    stage: Stage,
    commits: Callable[[dict[int, ShardCommit]], Iterator[ShardCommit]],
) -> tuple[Iterator[ShardCommit], KeptIndex]:
    """The shards of a pass with the verdicts applied to their rows, and the index of kept inputs.

    `commits` returns the commits of all shards. Its argument maps the numbers of lost shards, which have no record, to
    their commits; it adds further shards found to be lost. `data` has the segments before that of the pass.
    """
    paths = data.paths(opened.segment)
    stored_verdicts = load(context.store, paths.verdicts_json, Verdicts)
    if stored_verdicts is None:
        lost: dict[int, ShardCommit] = {}
        ours = Deciding(context, data, opened, stage).run(commits(lost), lost)
        stored_verdicts, _ = create(context.store, paths.verdicts_json, ours)
    known = {commit.shard: commit for commit in stored_verdicts.lost}
    return _commits_with_verdicts(context, paths, commits(known), stored_verdicts), stored_verdicts.kept


def _commits_with_verdicts(
    context: StepContext, paths: SegmentPaths, commits: Iterator[ShardCommit], stored_verdicts: Verdicts
) -> Iterator[ShardCommit]:
    for commit in commits:
        verdicts = stored_verdicts.rows.get(commit.shard)
        if verdicts is None:
            yield commit
            continue
        folder = _folder(context, "decided")
        yield decided(context.store, paths, commit, verdicts, _new_run_id(context), folder)
        shutil.rmtree(folder)


class Deciding:
    """One run that decides a pass."""

    def __init__(self, context: StepContext, data: DataSet, opened: Pass, stage: Stage) -> None:
        self._context = context
        self._data = data
        self._opened = opened
        self._stage = stage
        self._paths: SegmentPaths = data.paths(opened.segment)
        self._run = _new_run_id(context)
        self._index = PassIndex(data, _folder(context, "index"))

    def run(self, commits: Iterator[ShardCommit], lost: Mapping[int, ShardCommit]) -> Verdicts:
        """Decide all inputs with signatures, and upload the verdicts.

        `lost` are the lost shards among `commits`, once these are consumed.
        """
        context, opened = self._context, self._opened
        files = VerdictFiles(_folder(context, "verdicts"))
        filtered = 0
        with SignatureOrder() as order:
            for commit in commits:
                if rows := commit.signatures:
                    with rows_file(context.store, rows.key, rows.digest, context.scratch) as file:
                        order.add(commit.shard, file)
            self._stage.prepare(one.signed for one in order)
            for given, verdicts in self._verdicts(iter(order)):
                dropped = [(one, verdict) for one, verdict in zip(given, verdicts, strict=True) if verdict]
                files.add(dropped)
                filtered += len(dropped)
        event(
            log,
            "decided",
            stage=opened.stage,
            segment=opened.segment,
            kept=self._index.added,
            filtered=filtered,
        )
        return Verdicts(
            stage=opened.stage,
            key=opened.key,
            segment=opened.segment,
            rows=files.upload(context.store, self._paths, self._run),
            kept=self._kept_index(),
            lost=tuple(lost.values()),
        )

    def _verdicts(
        self, order: Iterator[SignedInput]
    ) -> Iterator[tuple[Sequence[SignedInput], Sequence[Filtered | None]]]:
        """The verdicts of the stage, in order; all inputs that it keeps are in the index before the next call."""
        waiting: list[SignedInput] = []
        while waiting := waiting or _batch(order):
            self._context.check_stop()
            signed = [one.signed for one in waiting]
            verdicts = self._stage.decide(signed, self._index.kept)
            if not 0 < len(verdicts) <= len(waiting):
                raise ReelmillError(
                    f"the stage returned {len(verdicts)} verdicts about {len(waiting)} inputs",
                    where=self._opened.stage,
                    hint="`decide` returns at least one, and at most one for each input",
                )
            given, waiting = waiting[: len(verdicts)], waiting[len(verdicts) :]
            kept = [one for one, verdict in zip(signed, verdicts, strict=False) if verdict is None]
            self._index.add(kept, self._stage)
            yield given, verdicts

    def _kept_index(self) -> KeptIndex:
        buckets: list[Object | None] = []
        stored: list[Object] = []
        for number, file in enumerate(self._index.buckets()):
            key = self._paths.kept_bucket(number, self._run)
            buckets.append(self._upload(key, file) if file else None)
        for number, file in enumerate(self._index.blocks()):
            key = self._paths.kept_block(number, self._run)
            stored.append(self._upload(key, file))
        return KeptIndex(
            count=len(self._index),
            buckets=tuple(buckets),
            blocks=tuple(stored),
            block_size=blocks.BLOCK,
            since=self._index.since,
            checked=True,
        )

    def _upload(self, key: str, file: Path) -> Object:
        found = Object(key=key, size=file.stat().st_size, digest=file_digest(file))
        self._context.store.write(key, file, create=True)
        return found


def _batch(order: Iterator[SignedInput]) -> list[SignedInput]:
    batch: list[SignedInput] = []
    size = 0
    for one in islice(order, _BATCH):
        batch.append(one)
        size += len(one.data)
        if size >= _BATCH_BYTES:
            break
    return batch


def _new_run_id(context: StepContext) -> str:
    """A new run id, for names that no other step of this process uses."""
    return f"{context.task.run}-{secrets.token_hex(4)}"


def _folder(context: StepContext, name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=context.scratch))
