"""The flow of a stage that decides: what is filtered counts with the sizes of its inputs, whatever is passed on."""

import json
from pathlib import Path

import pytest

from reelmill.contract.records.flow import Volume
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome
from reelmill_stages.records.rows.encoded_item import encoded
from reelmill_stages.results import Signature
from reelmill_stages.runtime.decide.decided_flow import DecidedFlow
from reelmill_stages.runtime.decide.verdict_files import Verdict
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.shards.outcomes import SettledInput
from reelmill_stages.runtime.shards.shard_commit import ShardRows
from reelmill_stages.stage import Input
from reelmill_stages.store.local.store import LocalStore

KEYS = "abc"


def made_of(size: int, kind: str) -> list[Item]:
    return [
        Item(key, number, key, 1.0, Media(f"{key}.{kind}", size), fields={"duration": 2.0})
        for number, key in enumerate(KEYS)
    ]


@pytest.mark.parametrize(("kind", "size"), [("npz", 10), ("mp4", 5_000)], ids=["inputs", "clips behind the inputs"])
def test_filtered_inputs_have_the_size_of_their_own_files(kind: str, size: int, tmp_path: Path) -> None:
    inputs, items = made_of(10, "npz"), made_of(size, kind)
    rows = ShardRows(tmp_path)
    for place, (given, item) in enumerate(zip(inputs, items, strict=True)):
        row = LedgerRow(given.key, place, Outcome.DONE)
        settled = SettledInput(row, (encoded(item),), {}, Signature(b"s", 0.0))
        rows.add(ShardInput(Input(given, place), place, "vectors", 0), settled)
    store = LocalStore(tmp_path / "store")
    commit = rows.commit(store, DataSetPaths("kept", "0" * 64).segment(1), 0, 1, "1-00000000")
    assert commit.signatures
    signed = [json.loads(line) for line in store.read(commit.signatures.key).splitlines()]

    flow = DecidedFlow(commit.flow)
    flow.keep(items[0])
    for item, row in list(zip(items, signed, strict=True))[1:]:
        flow.drop(item, Verdict.from_json({**row, "reason": "duplicate", "message": ""}))
    found = flow.flow()
    assert found
    assert found.outcomes == {
        "done": Volume(items=1, seconds=2.0, bytes=10),
        "filtered:duplicate": Volume(items=2, seconds=4.0, bytes=20),
    }
    assert found.made == Volume(items=1, seconds=2.0, bytes=size)
