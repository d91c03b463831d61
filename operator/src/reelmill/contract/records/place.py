"""The location that a record contains, so that copies of records of other data sets or segments are rejected."""

from reelmill.contract.model import Model
from reelmill.contract.records import layout
from reelmill.contract.records.answers import KeptAnswer
from reelmill.contract.records.claim import Claim, Identity
from reelmill.contract.records.frozen import Frozen
from reelmill.contract.records.layout import DataSetPaths, SegmentPaths
from reelmill.contract.records.run import RunRecord
from reelmill.contract.records.segment import (
    PLAN_BLOCK,
    Pass,
    PlanBlock,
    Segment,
    ShardCommit,
    StageRecord,
    Verdicts,
)


def place_of(record: Model) -> str:
    """The end of the only key under which a record may be read; empty if its content does not determine it."""
    match record:
        case StageRecord():
            return DataSetPaths(record.stage, record.key).stage_json
        case Segment():
            return _segment_paths(record).segment_json
        case Pass():
            return _segment_paths(record).pass_json
        case Verdicts():
            return _segment_paths(record).verdicts_json
        case PlanBlock():
            return _segment_paths(record.plan).plan_block(record.first // PLAN_BLOCK)
        case ShardCommit():
            segment = record.ledger.key.partition(f"/{layout.INTERNAL}/")[0]
            return f"{segment}/{layout.INTERNAL}/shards/{record.shard:05d}.json"
        case KeptAnswer():
            digest = record.question.removeprefix("sha256:")
            return f"{layout.INTERNAL}/answers/{digest[:2]}/{digest}.json"
        case Identity():
            return layout.identity(record.claimant.digest)
        case RunRecord():
            return layout.run(record.task.owner.uid)
        case Claim() if record.data_set and record.key:
            return DataSetPaths(record.data_set, record.key).user(record.uid)
        case Frozen():
            return layout.frozen(record.name)
    return ""


def _segment_paths(record: Segment | Pass | Verdicts) -> SegmentPaths:
    return DataSetPaths(record.stage, record.key).segment(record.segment)
