"""The shards of the open pass of a stage, or of its last one, as a strip of cells."""

from collections.abc import Collection, Sequence

from reelmill.contract.commands.dashboard import StageWork
from reelmill.contract.records.segment import Pass
from reelmill_stages.dashboard.views.frozen_commits import FrozenCommits, ShardNumbers
from reelmill_stages.dashboard.views.models import ShardCell, ShardStrip
from reelmill_stages.dashboard.views.pipeline_catalog import DataSetPlace
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load

CELLS = 400
"""Maximum number of cells of a strip; with more shards, each cell stands for several."""
READ = 400
"""Maximum number of commits that are read; with more shards, only their states are shown."""


def strip(at: DataSetPlace, work: Sequence[StageWork], commits: FrozenCommits) -> ShardStrip:
    """Return the strip. Raises ReelmillError if the store cannot be read."""
    data = DataSet(at.store, at.names)
    last = data.last.segment if data.last else 0
    opened = load(at.store, data.paths(last + 1).pass_json, Pass)
    number = last + 1 if opened else last
    if not number:
        return ShardStrip(segment=0, is_open=False, shards=0, committed=0, cells=[])
    paths = data.paths(number)
    plan = opened or load(at.store, paths.pass_json, Pass)
    shards = len(plan.shards) if plan else len(data.last.parts) if data.last else 0
    listed = {
        shard: stat for stat in at.store.list(paths.shards) if (shard := paths.shard_number(stat.key)) is not None
    }
    committed = set(listed)
    failed = {shard for each in work if each.stage == at.entry.name for shard in each.failed} if opened else set[int]()
    known = {} if shards > READ else {shard: commits.of(at.store, stat) for shard, stat in sorted(listed.items())}
    if not opened:
        committed = set(range(shards))
    size = -(-shards // CELLS) or 1
    cells = [
        _cell(range(first, min(first + size, shards)), committed, failed, known) for first in range(0, shards, size)
    ]
    return ShardStrip(segment=number, is_open=opened is not None, shards=shards, committed=len(committed), cells=cells)


def _cell(
    shards: range, committed: Collection[int], failed: Collection[int], known: dict[int, ShardNumbers | None]
) -> ShardCell:
    commits = [commit for shard in shards if (commit := known.get(shard)) is not None]
    whole = len(commits) == len(shards)
    return ShardCell(
        first=shards[0],
        last=shards[-1],
        state="failed"
        if any(shard in failed and shard not in committed for shard in shards)
        else "committed"
        if all(shard in committed for shard in shards)
        else "open",
        items_in=sum(each.items_in for each in commits) if whole else None,
        lost=sum(each.lost for each in commits) if whole else None,
        failed=sum(each.failed for each in commits) if whole else None,
        seconds=round(sum(each.seconds for each in commits), 3) if whole else None,
        bytes=sum(each.bytes for each in commits) if whole else None,
    )
