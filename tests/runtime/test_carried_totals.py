"""The totals of a stage are carried from segment to segment: a small pass reads no row of the passes before it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Counts, Segment
from reelmill.contract.records.verification import ProgressRecord
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.runtime.commit.accounting import Totals, carried_forward
from reelmill_stages.runtime.verify.digest_comparison import damaged_objects
from reelmill_stages.runtime.verify.digest_reader import Reading
from reelmill_stages.runtime.verify.progress import VerificationProgress
from reelmill_stages.runtime.verify.recount import Recount

Result = tuple[Outcome, str]
RESULTS: list[Result] = [
    (Outcome.DONE, ""),
    (Outcome.FILTERED, "short"),
    (Outcome.FAILED, "decode"),
    (Outcome.FAILED, "timeout"),
    (Outcome.SKIPPED, "no_audio"),
]


def closed(number: int, totals: Totals) -> Segment:
    return Segment.model_validate(
        {
            "state": "committed",
            "stage": "made",
            "key": "0" * 64,
            "segment": number,
            "kind": "cover",
            "counts": {},
            "totals": totals.counts.model_dump(by_alias=True),
            "reasons": totals.reasons,
            "items": 0,
            "nextOrdinal": 0,
        }
    )


def rows_of(results: Mapping[tuple[str, int], Result]) -> list[LedgerRow]:
    return [LedgerRow(key, ordinal, outcome, reason) for (key, ordinal), (outcome, reason) in results.items()]


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(RESULTS)), max_size=6)),
        max_size=8,
    )
)
def test_carried_totals_are_those_of_all_effective_rows(passes: list[tuple[bool, list[tuple[str, Result]]]]) -> None:
    """Passes may use the same keys, as a stage of a user's own may give them."""
    known: dict[tuple[str, int], Result] = {}
    before: Segment | None = None
    with LatestRows() as latest:
        for number, (retry, given) in enumerate(passes, 1):
            again = [one for one, (outcome, _) in known.items() if outcome in (Outcome.FAILED, Outcome.SKIPPED)]
            fresh = [(key, len(known) + place) for place, (key, _) in enumerate(given)]
            new = dict(zip(again if retry else fresh, (result for _, result in given), strict=False))
            retried: dict[str, int] = {}
            for one in new.keys() & known.keys():
                name = ":".join(known[one])
                retried[name] = retried.get(name, 0) + 1
            with LatestRows() as one_pass:
                one_pass.add(number, rows_of(new))
                added = Totals(*one_pass.totals())
            known |= new
            latest.add(number, rows_of(new))
            found = carried_forward(before, added, len(new), retried)
            assert found == Totals(*latest.totals())
            before = closed(number, found)
    assert before is None or before.totals.in_ == len(known)


def test_a_pass_with_an_input_twice_or_with_unknown_former_outcomes_is_not_carried() -> None:
    added = Totals(Counts(in_=1, done=1), {})
    assert carried_forward(None, added, 2, {}) is None
    assert carried_forward(None, added, 1, {"failed:decode": 1}) is None


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    line = toy.Line(tmp_path)
    line.stage("upper")
    for number in range(6):
        line.put(f"v{number}", "fail broken" if number % 3 == 0 else "content")
    line.go()
    return line


def damage(line: toy.Line) -> list[str]:
    progress = VerificationProgress(ProgressRecord(store=line.store.uri))
    return [str(found.error) for found in damaged_objects(line.data("upper"), Reading(line.store, None), progress)]


def test_a_growth_reads_no_ledger_of_the_passes_before(line: toy.Line) -> None:
    data = line.data("upper")
    ledgers = {key: line.store.read(key) for key in data.records() if "/ledger/" in key}
    assert ledgers
    for key in ledgers:
        line.store.write(key, b"not to be read")
    line.put("new")
    line.put("bad", "fail broken")
    line.go()
    for key, rows in ledgers.items():
        line.store.write(key, rows)
    data = line.data("upper")
    toy.law(data)
    assert data.last
    assert (data.last.segment, data.totals.in_, data.last.reasons) == (2, 8, {"failed:broken": 3})


def test_a_deep_check_counts_all_rows_again(line: toy.Line) -> None:
    assert damage(line) == []
    key = line.data("upper").paths(1).segment_json
    record = line.store.read(key)
    wrong = record.replace(b'"totals":{"in":6,"done":4', b'"totals":{"in":7,"done":5')
    assert wrong != record
    line.store.write(key, wrong)
    (told,) = damage(line)
    assert "those of the effective rows" in told


def shared(tmp_path: Path, first: str, second: str) -> toy.Line:
    """Two passes of a stage of a user's own that gives its items one key, below a stage that does what they say."""
    line = toy.Line(tmp_path)
    line.stage("own", "OneKey")
    line.stage("upper")
    for name, text in (("a", first), ("b", second)):
        line.put(name, text)
        line.go()
    return line


@pytest.mark.store
def test_items_of_two_passes_with_one_key_count_each_and_a_retry_finds_the_failed_one(tmp_path: Path) -> None:
    line = shared(tmp_path, "fail broken", "content")
    data = line.data("upper")
    assert data.totals == Counts(in_=2, done=1, failed=1)
    assert [(row.key, row.outcome.value) for row in data.ledger()] == [("same", "failed"), ("same", "done")]
    assert damage(line) == []
    line.put("a", "mended")
    line.run_pass(line.stages[1], kind="retry")
    data = line.data("upper")
    assert data.last
    assert (data.last.counts.in_, data.totals, data.last.reasons) == (
        1,
        Counts(in_=2, failed=1, done=1),
        {"failed:changed": 1},
    )
    assert damage(line) == []


def test_inputs_with_one_key_in_one_shard_have_outcomes_of_their_own(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    own = line.stage("own", "OneKey")
    upper = line.stage("upper")
    for name, text in (("a", "fail broken"), ("b", "content")):
        line.put(name, text)
        line.survey()
        line.run_pass(own)
    line.open(upper)
    line.shard(upper, 1, 0)
    paths = line.data("upper").paths(1)
    for key in (paths.shard(0),):
        line.store.delete(key)
    line.shard(upper, 1, 0)  # its outcomes are frozen, and are taken from there
    line.commit(upper, 1)
    assert [row.outcome.value for row in line.data("upper").ledger()] == ["failed", "done"]


def test_a_retry_that_finds_nothing_puts_the_totals_right(line: toy.Line) -> None:
    """Totals that say more than the rows would start the same retry again and again (`skipped:budget`)."""
    key = line.data("upper").paths(1).segment_json
    record = line.store.read(key)
    wrong = record.replace(
        b'"totals":{"in":6,"done":4,"filtered":0,"failed":2,', b'"totals":{"in":7,"done":4,"filtered":0,"failed":2,'
    )
    wrong = wrong.replace(b'"skipped":0},"reasons":{', b'"skipped":1},"reasons":{"skipped:budget":1,', 1)
    assert wrong != record
    line.store.write(key, wrong)
    (upper,) = line.stages
    report = line.run_pass(upper, kind="retry", retry=("budget",))
    assert (report.counts.in_, report.totals.in_, report.reasons) == (0, 6, {"failed:broken": 2})


def test_totals_of_an_earlier_version_that_counted_a_shared_key_once_are_no_damage(tmp_path: Path) -> None:
    rows = [LedgerRow("a", 0, Outcome.DONE), LedgerRow("a", 1, Outcome.DONE)]
    with Recount() as recount:
        for number, row in enumerate(rows, 1):
            segment = closed(number, Totals(Counts(in_=1, done=1), {})).replace(counts=Counts(in_=1, done=1))
            recount.add(segment, [row])
            recount.set_last_segment(segment)
        assert recount.difference() == ""
