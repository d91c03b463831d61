"""An item that takes its whole pod down is found, failed, and costs no other item."""

import subprocess
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.task import StageDef, Step
from reelmill.contract.task_parts.shard_limits import ShardLimits

pytestmark = pytest.mark.store


def pod(line: toy.Line, stage: StageDef) -> int:
    """One pod's exit code; killed pods' workers end with them."""
    process = line.popen(line.task(Step.SHARDS, stage, segment=1), 0)
    assert process.stderr is not None
    process.stderr.close()
    try:
        return process.wait(300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def notes(line: toy.Line, stage: StageDef) -> list[str]:
    """Those of runs that never ended."""
    return [stat.key for stat in line.store.list(line.data(stage.name).paths(1).flights(0))]


def poisoned(root: Path, *poisons: str, workers: int, grouped: bool) -> tuple[toy.Line, StageDef]:
    line = toy.Line(root, limits=ShardLimits(workers=workers, item_timeout=30, checkpoint_seconds=0.1))
    for number in range(10):
        line.put(f"v{number}", group=f"g{number // 5}" if grouped else f"v{number}")
    for name in poisons:
        line.put(name, group="g0" if grouped else name)
    stage = line.stage("upper", "Poison")
    line.stages[0] = stage = stage.model_copy(update={"type": "toy_poison:Poison"})
    line.survey()
    line.open(stage, shard_count=1)
    return line, stage


@pytest.mark.parametrize(("workers", "grouped"), [(1, False), (3, False), (2, True)])
def test_an_item_that_ends_its_pod_each_time_is_found_and_the_rest_is_saved(
    workers: int, grouped: bool, tmp_path: Path
) -> None:
    line, stage = poisoned(tmp_path, "poison", workers=workers, grouped=grouped)
    codes = [pod(line, stage)]
    while codes[-1] != 0 and len(codes) < 8:
        codes.append(pod(line, stage))
    # Unnoticed, written down with others, alone, alone again: the fifth pod knows.
    assert codes == [-9, -9, -9, -9, 0]
    line.commit(stage, 1)
    found = toy.outcomes(line.data("upper"))
    assert found.pop("poison") == ("failed", "crash")
    assert set(found.values()) == {("done", "")}
    assert len(found) == 10
    toy.law(line.data("upper"))
    assert len(notes(line, stage)) == 4


def test_two_such_items_are_found_within_the_tries_that_a_pass_has(tmp_path: Path) -> None:
    line, stage = poisoned(tmp_path, "poison-1", "poison-2", workers=2, grouped=False)
    codes = [pod(line, stage)]
    while codes[-1] != 0 and len(codes) < 12:
        codes.append(pod(line, stage))
    assert codes[-1] == 0
    line.commit(stage, 1)
    failed = {key for key, (outcome, _) in toy.outcomes(line.data("upper")).items() if outcome == "failed"}
    assert failed == {"poison-1", "poison-2"}


def test_a_run_that_ends_leaves_no_note_and_one_that_was_killed_once_costs_no_item(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    for number in range(4):
        line.put(f"v{number}", f"wait-for {tmp_path / 'go'}\ncontent")
    stage = line.stage("upper")
    line.survey()
    line.open(stage, shard_count=1)
    process = line.popen(line.task(Step.SHARDS, stage, segment=1), 0)
    assert process.stderr is not None
    process.stderr.readline()
    process.kill()
    process.wait()
    process.stderr.close()
    (tmp_path / "go").touch()
    assert pod(line, stage) == 0
    line.commit(stage, 1)
    assert line.data("upper").totals.done == 4
    assert len(notes(line, stage)) == 1
