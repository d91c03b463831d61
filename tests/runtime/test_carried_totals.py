"""The totals of a stage are carried from segment to segment: a small pass reads no row of the passes before it."""

from pathlib import Path

import pytest
import toy_line as toy
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import LedgerRow, Outcome
from reelmill.contract.records.segment import Counts, Segment
from reelmill_stages.records.effective_rows import LatestRows
from reelmill_stages.runtime.commit.accounting import Totals, carried_forward
from reelmill_stages.runtime.verify.damaged_objects import damaged_objects
from reelmill_stages.runtime.verify.progress import ProgressRecord, VerificationProgress
from reelmill_stages.runtime.verify.reading import Reading
from reelmill_stages.runtime.verify.recount import Recount

Result = tuple[Outcome, str]
RESULTS: list[Result] = [
    (Outcome.DONE, ""),
    (Outcome.FILTERED, "short"),
    (Outcome.FAILED, "decode"),
    (Outcome.FAILED, "timeout"),
    (Outcome.SKIPPED, "no_audio"),
]


def rows_of(results: dict[str, Result]) -> list[LedgerRow]:
    return [LedgerRow(key, 0, outcome, reason) for key, (outcome, reason) in results.items()]


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


@given(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(RESULTS), max_size=6)), max_size=8))
def test_carried_totals_are_those_of_all_effective_rows(passes: list[tuple[bool, list[Result]]]) -> None:
    known: dict[str, Result] = {}
    before: Segment | None = None
    with LatestRows() as latest:
        for number, (retry, results) in enumerate(passes, 1):
            again = [key for key, (outcome, _) in known.items() if outcome in (Outcome.FAILED, Outcome.SKIPPED)]
            keys = again if retry else [f"v{len(known) + place}" for place in range(len(results))]
            new = dict(zip(keys, results, strict=False))
            retried: dict[str, int] = {}
            for key in new.keys() & known.keys():
                name = ":".join(known[key])
                retried[name] = retried.get(name, 0) + 1
            with LatestRows() as one:
                one.add(number, rows_of(new))
                added = Totals(*one.totals())
            known |= new
            latest.add(number, rows_of(new))
            found = carried_forward(before, added, len(new), retried)
            assert found == Totals(*latest.totals())
            before = closed(number, found)


def test_a_pass_with_a_key_twice_or_with_unknown_former_outcomes_is_not_carried() -> None:
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


def test_keys_that_two_passes_share_are_no_damage() -> None:
    """Code of a user's own may give the items of two passes the same keys, which are counted in each of them."""
    rows = rows_of({"a": (Outcome.DONE, ""), "b": (Outcome.FAILED, "decode")})
    with Recount() as recount, LatestRows() as latest:
        latest.add(1, rows)
        one = Totals(*latest.totals())
        before: Segment | None = None
        for number in (1, 2):
            totals = carried_forward(before, one, 2, {})
            assert totals
            before = closed(number, totals).replace(counts=one.counts)
            recount.add(before, rows)
            recount.ends_with(before)
        assert before
        assert before.totals.in_ == 4
        assert recount.difference() == ""
