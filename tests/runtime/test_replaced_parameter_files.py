"""A parameter's file that is replaced under its path is noticed before anything else, though nothing new arrived."""

import json
import os
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.digest import sha256
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Step
from reelmill_stages.commands.check import check_stage
from reelmill_stages.commands.forecast import forecast

FIRST, OTHER = b"labels 1", b"labels 2"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.bin"
    file.write_bytes(FIRST)
    return file


@pytest.fixture
def line(tmp_path: Path, weights: Path) -> toy.Line:
    """A complete line whose stage has a file without a digest."""
    line = toy.Line(tmp_path)
    line.stage("upper", file={"uri": str(weights)})
    line.put("a")
    line.go()
    return line


def pin_of(line: toy.Line) -> Path:
    return line.root / "store" / line.data("upper").names.pin("file")


@pytest.mark.parametrize("content", [OTHER, b"longer labels"])
def test_the_survey_names_the_file_both_digests_and_the_ways_out(line: toy.Line, weights: Path, content: bytes) -> None:
    line.survey()
    weights.write_bytes(content)
    with pytest.raises(SpecError) as error:
        line.survey()
    assert error.value.where == f"upper.file: {weights}"
    assert sha256(FIRST) in error.value.what
    assert (sha256(content) if len(content) == len(FIRST) else f"{len(content)} bytes") in error.value.what
    assert all(way in error.value.hint for way in ("restore the file", "digest", "`rerun`"))
    weights.write_bytes(FIRST)
    assert line.survey().stages["upper"].totals.done == 1


def test_plan_and_check_say_so_too(line: toy.Line, weights: Path) -> None:
    task = line.task(Step.SURVEY)
    assert list(forecast(task, os.environ).stages) == ["upper"]
    weights.write_bytes(OTHER)
    with pytest.raises(SpecError, match="has changed since this stage started"):
        forecast(task, os.environ)
    with pytest.raises(SpecError, match="has changed since this stage started"):
        list(check_stage(task, os.environ, "upper"))


def test_a_file_that_was_only_copied_again_is_the_same(line: toy.Line, weights: Path) -> None:
    before = json.loads(pin_of(line).read_bytes())
    weights.write_bytes(FIRST)
    os.utime(weights, (1, 1))
    line.survey()
    after = json.loads(pin_of(line).read_bytes())
    assert after["digest"] == before["digest"]
    assert after["etag"] != before["etag"]


def test_a_pin_of_version_0_1_0_is_compared_by_digest_and_completed(line: toy.Line, weights: Path) -> None:
    pin = pin_of(line)
    pin.write_text(json.dumps({"uri": str(weights), "digest": sha256(FIRST)}))
    line.survey()
    assert json.loads(pin.read_bytes())["size"] == len(FIRST)
    pin.write_text(json.dumps({"uri": str(weights), "digest": sha256(FIRST)}))
    weights.write_bytes(OTHER)
    with pytest.raises(SpecError, match=sha256(OTHER)):
        line.survey()


def test_a_missing_file_does_not_stop_a_stage_without_work(line: toy.Line, weights: Path) -> None:
    weights.unlink()
    line.survey()
    line.put("b")
    line.survey()
    with pytest.raises(SpecError, match="no such file"):
        line.advance()
