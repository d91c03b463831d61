"""What a retry hands to its shards: items as they were, and beside each how often it was tried."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Pass, ShardPlan, Slice
from reelmill.contract.task import Upstream
from reelmill_stages.records.retried_row import RetriedRow
from reelmill_stages.records.row_files import RowFile
from reelmill_stages.runtime.inputs import shard_inputs
from reelmill_stages.store.local.store import LocalStore

FIELDS = st.dictionaries(st.sampled_from(["text", "item", "attempts", "_tried", "vid"]), st.integers() | st.text())


@given(fields=FIELDS, attempts=st.integers(min_value=0, max_value=10**6))
def test_an_item_keeps_all_fields_that_a_stage_gave_it(fields: dict[str, object], attempts: int) -> None:
    row = RetriedRow(Item("a", 3, "g", 1.5, fields=fields), attempts)
    assert RetriedRow.from_json(json.loads(json.dumps(row.to_json()))) == row


@pytest.mark.parametrize(
    ("stored", "attempts"),
    [
        ({"_tried": 2, "key": "a", "ordinal": 7, "group": "g", "weight": 1.5, "outputs": [], "provenance": {}}, 2),
        ({"key": "a", "ordinal": 7, "group": "g", "weight": 1.5, "outputs": [], "provenance": {}, "item": "x"}, 0),
    ],
)
def test_a_row_of_version_0_1_0_is_read(stored: dict[str, object], attempts: int) -> None:
    row = RetriedRow.from_json(stored)
    assert (row.item.key, row.item.ordinal, row.attempts) == ("a", 7, attempts)
    assert "_tried" not in row.item.fields


def test_a_shard_reads_a_pass_that_version_0_1_0_opened_and_one_of_today(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "store"))
    item = Item("a", 7, "g", 1.5, fields={"text": "two words"})
    for name, row in (("old", {**item.to_json(), "_tried": 2}), ("new", RetriedRow(item, 2).to_json())):
        file = RowFile(tmp_path / name)
        file.append(row)
        file.upload(store, f"inputs/{name}.jsonl")
    for name in ("old", "new"):
        (one,) = shard_inputs(
            store, _retry(f"inputs/{name}.jsonl"), 0, tmp_path, upstreams=[Upstream(name="raw", key="0" * 64)]
        )
        assert (one.input.item, one.input.number, one.tried) == (item, 5, 2)


def _retry(rows: str) -> Pass:
    piece = Slice(upstream="raw", rows=rows, first=0, count=1)
    return Pass(
        stage="clips",
        key="0",
        segment=2,
        kind="retry",
        in_=1,
        first_ordinal=5,
        shards=(ShardPlan(slices=(piece,), count=1, weight=1.5),),
        definition={},
        runner=Runner(uid="u", name="demo", run=3),
    )
