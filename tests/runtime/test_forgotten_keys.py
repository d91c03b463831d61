"""A forgotten item is told from others that have its key, a part of it, or a key that is a word of the records."""

from pathlib import Path

import pytest

from reelmill.contract.records.forgotten import AffectedDataSet, AffectedPart
from reelmill_stages.runtime.forget.withdrawn import withdraw_inputs
from runtime.forgetting_line import (
    KEYS,
    RUNNER,
    forget,
)
from runtime.toy_line import Line

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take


def test_a_withdrawn_input_is_distinguished_from_another_one_with_its_key(tmp_path: Path) -> None:
    line = Line(tmp_path)
    own = line.stage("own", "OneKey")
    line.stage("joined", "Join", per_file=3)
    for key in ("item0", "item1"):
        line.put(key)
        line.survey()
        line.run_pass(own)
    line.advance()
    line.put("item2")
    line.go()
    forget(line, "item0")
    rows = [(row.ordinal, row.reason) for row in line.data("joined").ledger() if row.key == "same"]
    assert sorted(rows) == [(1, "withdrawn"), (2, "")]


def test_a_key_that_is_a_part_of_another_kept_key_is_forgotten_alone(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.stages[:] = [line.stage("kept", "Near", within=2).replace(type="toy_decisions:Near")]
    for key, number in (("film", 10), ("another-film", 50)):
        line.put(key, f"{number}\n")
    line.go()
    assert forget(line, "film") == []
    assert [item.key for item in line.data("kept").items()] == ["another-film"]


def test_an_input_is_withdrawn_if_a_later_one_has_its_key(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.stage("same", "OneKey")
    line.stage("joined", "Join", per_file=2)
    for key in KEYS[:2]:
        line.put(key)
        line.go()
    data, same = line.data("joined"), line.data("same")
    part = AffectedPart(segment=1, shard=0, items="", inputs="", withdrawn="0")
    what = AffectedDataSet(
        name="joined",
        key=data.names.key,
        upstreams={"same": same.names.key},
        parts=(part,),
        files=(),
        views=(),
        keys=(),
        names=(),
    )
    withdraw_inputs(data, what, RUNNER)
    totals = line.data("joined").totals
    assert (totals.in_, totals.done, totals.skipped) == (2, 1, 1)


@pytest.mark.parametrize("key", ["key", "done", "no_signature", "upper", "a"])
def test_a_key_that_is_a_word_of_the_records_is_forgotten(key: str, tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.put(key)
    line.put("other", "fail broken\n")
    line.stage("upper", "Upper")
    line.go()
    assert forget(line, key) == []
    assert key not in {item.key for item in line.data("raw").items()}
    assert {row.key: row.message for row in line.data("upper").ledger()}["other"] == "as told"
