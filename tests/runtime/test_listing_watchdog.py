"""A listing that makes no progress ends with a clear error, and one that makes some goes on."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
import toy_line as toy

from reelmill.contract.errors import TransientError
from reelmill.contract.task import Step
from reelmill_stages.runtime.context import Interrupted, context
from reelmill_stages.runtime.survey.source_listing import list_source

PATIENCE = 0.5


@pytest.fixture(autouse=True)
def stops_at_once() -> Iterator[None]:
    """SIGTERM does here what it does in the process of a survey."""

    def handle(number: int, _: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    before = signal.signal(signal.SIGTERM, handle)
    yield
    signal.signal(signal.SIGTERM, before)


def listed(line: toy.Line) -> int:
    line.write_rows("raw")
    with context(line.task(Step.SURVEY), os.environ, threading.Event()) as found:
        return list_source(found, line.source, PATIENCE).items


def test_a_source_that_hangs_is_named_and_nothing_of_it_is_committed(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.put("a")
    line.put("b", sleep=3600)
    with pytest.raises(TransientError, match=r"raw: .* made no progress for 0\.5 s") as error:
        listed(line)
    assert not isinstance(error.value, Interrupted)
    assert line.data("raw").last is None


def test_a_slow_source_is_listed_to_its_end(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(8):
        line.put(f"v{number}", sleep=0.1)
    assert listed(line) == 8
