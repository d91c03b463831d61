"""The deep check tells which records about pipelines and parameter files are missing, and none that was never there."""

import os
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.digest import fingerprint
from reelmill.contract.errors import SpecError
from reelmill.contract.task import StageDef, Step, Upstream
from reelmill_stages.commands.integrity.deep_check import integrity
from reelmill_stages.runtime.verify.owners import missing_owners


def damaged(line: toy.Line) -> list[str]:
    return [row.key for row in integrity(line.task(Step.SURVEY), os.environ).damage]


@pytest.fixture
def line(tmp_path: Path) -> toy.Line:
    """A source with an item, and a stage whose first pass was abandoned: its tokenizer was not there."""
    line = toy.Line(tmp_path)
    line.put("a")
    params: dict[str, object] = {"tokenizer": {"uri": str(tmp_path / "tokens.txt")}}
    stage = StageDef(
        name="samples",
        key=fingerprint(params),
        type="frames",
        data_version=1,
        params=params,
        definition=params,
        upstreams=(Upstream(name="raw", key=line.source.key),),
    )
    line.stages.append(stage)
    line.survey()
    with pytest.raises(SpecError, match="no such file"):
        line.open(stage)
    assert line.commit(stage, 1, abandon=True).state == "abandoned"
    return line


def test_a_pass_that_was_abandoned_before_it_was_opened_lacks_nothing(line: toy.Line) -> None:
    assert damaged(line) == []


def test_a_pin_and_a_claim_of_an_opened_pass_are_missed(line: toy.Line, tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("a b\n")
    (stage,) = line.stages
    line.open(stage)
    names = line.data(stage.name).names
    assert damaged(line) == []
    missing = {names.pin("tokenizer"), names.user(line.uid)}
    for key in missing:
        (tmp_path / "store" / key).unlink()
    assert set(damaged(line)) == missing


def test_a_claim_that_comes_during_a_check_is_not_missed(line: toy.Line, tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("a b\n")
    (stage,) = line.stages
    before: dict[str, set[str]] = {line.data(name).root: set() for name in ("raw", stage.name)}
    line.open(stage)
    task = line.task(Step.SURVEY)
    assert list(missing_owners(task, line.store, before, {}, set(), None)) == []
    (tmp_path / "store" / line.data(stage.name).names.user(line.uid)).unlink()
    found = missing_owners(task, line.store, before, {}, set(), None)
    assert [one.key for one in found] == [line.data(stage.name).names.user(line.uid)]
