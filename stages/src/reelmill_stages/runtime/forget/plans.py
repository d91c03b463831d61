"""Update of plans of passes that name rewritten rows: a repair or a replay reads its inputs through them."""

from collections.abc import Collection, Mapping

from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.segment import Object, Pass, PlanBlock, ShardPlan, Slice
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load
from reelmill_stages.records.record_names import is_rows, record_model
from reelmill_stages.runtime.forget import anonymous
from reelmill_stages.runtime.forget.rewritten_files import rewritten
from reelmill_stages.runtime.forget.segments import replace_record


class Plans:
    """Updates the plans of a stage with these upstreams (name -> key); `forgotten` has keys of their items."""

    def __init__(self, data: DataSet, upstreams: Mapping[str, str], forgotten: Mapping[str, Collection[str]]) -> None:
        self._data = data
        self._upstreams = upstreams
        self._forgotten = forgotten
        self._rows: dict[tuple[str, int], Object] = {}
        self._inputs: dict[str, Object] = {}
        for name, key in upstreams.items():
            upstream = DataSet(data.store, DataSetPaths(name, key), scratch=data.scratch)
            for part in (part for segment in upstream.segments() for part in segment.parts):
                if part.items:
                    self._rows[name, part.first_ordinal] = part.items

    def update(self) -> None:
        """Update all plans to name the current rows."""
        store, root = self._data.store, self._data.root
        for segment in self._data.segments():
            paths = self._data.paths(segment.segment)
            if segment.kind == "listing" or (plan := load(store, paths.pass_json, Pass)) is None:
                continue
            updated = plan.replace(shards=tuple(map(self._redacted_shard, plan.shards)))
            if updated != plan:
                replace_record(store, paths.pass_json, plan, updated)
            for stat in store.list(f"{paths.internal}/plans/", follow_links=False):
                if record_model(stat.key.removeprefix(f"{root}/")) is PlanBlock:
                    self._update_block(stat.key)
            before, named = (
                {piece.rows for shard in each.shards for piece in shard.slices} for each in (plan, updated)
            )
            for stat in store.list(f"{paths.internal}/inputs/", follow_links=False):
                is_ours = not stat.foreign or stat.key in before
                if is_ours and stat.key not in named and is_rows(stat.key.removeprefix(f"{root}/")):
                    store.delete(stat.key)

    def _update_block(self, key: str) -> None:
        block = load(self._data.store, key, PlanBlock)
        if block is None:
            return
        plan = block.plan.replace(shards=tuple(map(self._redacted_shard, block.plan.shards)))
        updated = block.replace(
            plan=plan, before=self._redacted_shard(block.before), after=self._redacted_shard(block.after)
        )
        if updated != block:
            replace_record(self._data.store, key, block, updated)

    def _redacted_shard(self, shard: ShardPlan) -> ShardPlan:
        slices = tuple(map(self._redacted_slice, shard.slices))
        return ShardPlan(slices=slices, count=shard.count, weight=shard.weight)

    def _redacted_slice(self, piece: Slice) -> Slice:
        if not piece.rows:
            return piece
        rows = Object(key=piece.rows, size=0, digest=piece.digest)
        if piece.ordinal is None:
            now = self._inputs.get(piece.rows) or self._redacted_retried_rows(piece.upstream, rows)
        else:
            now = self._rows.get((piece.upstream, piece.ordinal - piece.first), rows)
        if now.key == piece.rows:
            return piece
        return Slice(
            upstream=piece.upstream,
            rows=now.key,
            first=piece.first,
            count=piece.count,
            ordinal=piece.ordinal,
            digest=now.digest,
        )

    def _redacted_retried_rows(self, upstream: str, rows: Object) -> Object:
        """The inputs of a retry without forgotten items."""
        redact = anonymous.retried(self._forgotten.get(upstream, ()), self._upstreams[upstream])
        found = rewritten(self._data, rows, redact) or rows
        self._inputs[rows.key] = found
        return found
