"""Names and models of reelmill's own records in a data set."""

import re

from reelmill.contract.model import Model
from reelmill.contract.records.answers import KeptAnswer, Spending
from reelmill.contract.records.claim import Claim
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.layout import INTERNAL, RUN
from reelmill.contract.records.segment import Pass, PlanBlock, Segment, ShardCommit, StageRecord, Verdicts
from reelmill.contract.records.usage import UsageRecord
from reelmill_stages.records.crash_suspects import CrashSuspects
from reelmill_stages.records.drift import DriftRecord
from reelmill_stages.records.pins import Pin

_SEGMENT = r"\d{4,}"
_SHARD = r"\d{5,}"

STAGE_JSON = f"{INTERNAL}/stage.json"
CLAIM = re.compile(rf"{INTERNAL}/users/[^/]+\.json")
PASS = re.compile(rf"{_SEGMENT}/{INTERNAL}/pass\.json")
SEGMENT = re.compile(rf"{_SEGMENT}/{INTERNAL}/segment\.json")
SHARD = re.compile(rf"{_SEGMENT}/{INTERNAL}/shards/({_SHARD})\.json")
VERDICTS = re.compile(rf"{_SEGMENT}/{INTERNAL}/verdicts\.json")
SETTLED = re.compile(rf"{_SEGMENT}/{INTERNAL}/(?:outcomes/({_SHARD})|checkpoints/({_SHARD})/{RUN})\.jsonl")

_RECORDS: tuple[tuple[re.Pattern[str], type[Model]], ...] = (
    (re.compile(re.escape(STAGE_JSON)), StageRecord),
    (re.compile(rf"{INTERNAL}/drift\.json"), DriftRecord),
    (re.compile(rf"{INTERNAL}/pins/[^/]+\.json"), Pin),
    (re.compile(rf"{INTERNAL}/answers/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.json"), KeptAnswer),
    (re.compile(rf"{INTERNAL}/spending/{RUN}-[0-9a-f]{{8}}\.json"), Spending),
    (CLAIM, Claim),
    (PASS, Pass),
    (re.compile(rf"{_SEGMENT}/{INTERNAL}/plans/{_SHARD}\.json"), PlanBlock),
    (SEGMENT, Segment),
    (SHARD, ShardCommit),
    (VERDICTS, Verdicts),
    (re.compile(rf"{_SEGMENT}/{INTERNAL}/heartbeat\.json"), Runner),
    (re.compile(rf"{_SEGMENT}/{INTERNAL}/flights/{_SHARD}/{RUN}\.json"), CrashSuspects),
    (re.compile(rf"{_SEGMENT}/{INTERNAL}/usage/{_SHARD}-{RUN}\.json"), UsageRecord),
)
RECORDS = tuple(model for _, model in _RECORDS)
"""Models of all records."""
_ROWS = re.compile(
    rf"{_SEGMENT}/{INTERNAL}/(?:inputs/[^/]+-{RUN}|outcomes/{_SHARD}|checkpoints/{_SHARD}/{RUN}"
    rf"|(?:items|ledger|lineage|lists|logs|signatures|verdicts)/{_SHARD}-{RUN}|commit-logs/{RUN})\.jsonl"
    rf"|{_SEGMENT}/{INTERNAL}/reports/[0-9a-f]{{10}}(?:\.html|-\d+\.json)"
    rf"|{_SEGMENT}/{INTERNAL}/kept/(?:bucket|block)-\d{{5,}}-{RUN}\.bin"
)


def record_model(name: str) -> type[Model] | None:
    """The model of the record with this name; None for any other object. Names are relative to the data set's root."""
    if f"{INTERNAL}/" not in name:
        return None
    return next((model for pattern, model in _RECORDS if pattern.fullmatch(name)), None)


def is_rows(name: str) -> bool:
    """Whether this is the name of a file of rows: JSON lines, their indexes, and reports about them."""
    return f"{INTERNAL}/" in name and bool(_ROWS.fullmatch(name))
