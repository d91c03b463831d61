"""What running a stage has used: sums of what is known, and what bounds a stage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.segment import Segment, ShardCommit
from reelmill.contract.records.usage import Bound, Usage, WorkSeconds, bound, sum_of_usages

_KNOWN = st.none() | st.integers(0, 10**6)
_WORK = st.none() | st.builds(
    WorkSeconds, **dict.fromkeys(("decode", "compute", "store", "waiting"), st.integers(0, 9))
)
_USAGES = st.builds(
    Usage,
    cpu_seconds=_KNOWN,
    gpu_seconds=_KNOWN,
    gpu_decoder_seconds=_KNOWN,
    pod_seconds=_KNOWN,
    bytes_read=_KNOWN,
    bytes_written=_KNOWN,
    work=_WORK,
    lost_runs=st.integers(0, 3),
)


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (WorkSeconds(decode=5, compute=4, store=1), Bound.DECODE),
        (WorkSeconds(decode=1, compute=4, store=1, waiting=2), Bound.COMPUTE),
        (WorkSeconds(decode=1, compute=1, store=3, waiting=2), Bound.STORE),
        (WorkSeconds(decode=1, compute=1, store=3, waiting=30), Bound.WAITING),
        (WorkSeconds(decode=2, compute=2), Bound.DECODE),
        (WorkSeconds(compute=2, store=2, waiting=2), Bound.COMPUTE),
        (WorkSeconds(), None),
    ],
)
def test_what_most_time_of_the_workers_went_into_bounds_a_stage(work: WorkSeconds, expected: Bound | None) -> None:
    assert bound(work) is expected
    assert Usage(work=work).bound is expected


def test_what_nobody_knows_is_absent_and_not_0() -> None:
    assert Usage().model_dump(exclude_defaults=True) == {}
    assert (Usage(cpu_seconds=2.0) + Usage(pod_seconds=1.0)).gpu_seconds is None
    assert Usage().bound is None
    assert sum_of_usages([None, None]) is None


def test_a_sum_has_what_is_known_of_either_part() -> None:
    found = Usage(cpu_seconds=2.0, bytes_read=5) + Usage(cpu_seconds=1.5, gpu_seconds=0.0, lost_runs=1)
    assert found == Usage(cpu_seconds=3.5, gpu_seconds=0.0, bytes_read=5, lost_runs=1)


@given(st.lists(st.none() | _USAGES, max_size=5), st.randoms())
def test_the_order_of_a_sum_does_not_matter(usages: list[Usage | None], random: object) -> None:
    shuffled = list(usages)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sum_of_usages(usages) == sum_of_usages(shuffled)


def test_records_of_earlier_versions_have_no_usage_and_are_written_without_one() -> None:
    counts: dict[str, object] = {"in": 0, "done": 0, "filtered": 0, "failed": 0, "skipped": 0}
    ledger = {"key": "x", "size": 0, "digest": "sha256:00"}
    commit = ShardCommit.model_validate({"shard": 0, "of": 1, "counts": counts, "items": None, "ledger": ledger})
    assert commit.usage is None
    assert "usage" not in commit.model_dump(by_alias=True)
    segment = Segment.model_validate(
        {"state": "committed", "stage": "s", "key": "k", "segment": 1, "kind": "cover", "counts": counts,
         "totals": counts, "items": 0, "nextOrdinal": 0}
    )  # fmt: skip
    assert segment.usage is segment.total_usage is None
    assert not {"usage", "totalUsage"} & segment.model_dump(by_alias=True).keys()
