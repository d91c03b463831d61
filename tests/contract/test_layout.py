"""Names of logs in a store: only those that reelmill gives."""

import pytest

from reelmill.contract.records.layout import DataSetPaths

SEGMENT = DataSetPaths("clips", "0123456789").segment(1)


@pytest.mark.parametrize("shard", [0, 7, 99_999, 123_456])
def test_the_name_of_a_log_leads_back_to_its_shard_and_run(shard: int) -> None:
    assert SEGMENT.log_of(SEGMENT.log(shard, "1-0000abcd")) == (shard, "1-0000abcd")
    assert SEGMENT.commit_log_of(SEGMENT.commit_log("1-0000abcd")) == "1-0000abcd"


@pytest.mark.parametrize(
    "name",
    ["3-a.jsonl", "0000003-a.jsonl", "\u0660\u0660\u0660\u0660\u0663-a.jsonl", "00003-a/b.jsonl", "00003-.jsonl",
     "00003-a.jsonl.tmp", "00003-a\n.jsonl", "/00003-a.jsonl", "sub/00003-a.jsonl"],
)  # fmt: skip
def test_an_object_of_another_name_is_no_log(name: str) -> None:
    assert SEGMENT.log_of(SEGMENT.logs + name) is None


def test_an_object_elsewhere_is_no_log() -> None:
    assert SEGMENT.log_of("00003-a.jsonl") is None
    assert SEGMENT.log_of(SEGMENT.commit_logs + "00003-a.jsonl") is None
