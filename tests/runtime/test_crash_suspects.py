"""Which crashes count against an item that was processed alone."""

from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.heartbeat import LocalProcess
from reelmill_stages.records.crash_suspects import SuspectNotes

POD = None
FIRST, SECOND, THIRD = (LocalProcess(kernel="k", pid=number, started=number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("crashed", "now", "fatal"),
    [
        ((POD, POD), POD, True),
        ((POD,), POD, False),
        ((FIRST, FIRST), FIRST, True),  # one command outlived both
        ((FIRST, SECOND), THIRD, False),  # the commands themselves ended
        ((FIRST, FIRST), SECOND, False),
        ((FIRST, SECOND, SECOND), SECOND, True),
        ((POD, POD), FIRST, True),  # a pipeline that was in a cluster before
    ],
)
def test_crashes_count_that_a_pod_or_the_present_command_outlived(
    tmp_path: Path, crashed: tuple[LocalProcess | None, ...], now: LocalProcess | None, fatal: bool
) -> None:
    line = toy.Line(tmp_path)
    paths = line.data(line.stage("upper").name).paths(1)
    SuspectNotes(line.store, paths, 0, "1-00000000")
    for number, process in enumerate(crashed, start=2):
        SuspectNotes(line.store, paths, 0, f"{number}-00000000", process=process).note(["item"], alone=True)
    found = SuspectNotes(line.store, paths, 0, "9-00000000", process=now)
    assert found.is_suspect("item")
    assert found.is_fatal("item") is fatal
