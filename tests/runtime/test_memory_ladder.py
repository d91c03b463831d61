"""After a run was killed, fewer workers share the memory; an item is given up only where no pod may have more."""

from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.errors import ExitCode, OutOfMemory
from reelmill.contract.records.layout import SegmentPaths
from reelmill_stages.records.crash_suspects import SuspectNotes, may_have_more_memory
from reelmill_stages.runtime.workers.pool_size import fewer

GIB = 2**30


@pytest.mark.parametrize(
    ("workers", "killed", "expected"), [(8, 0, 8), (8, 1, 4), (8, 2, 2), (8, 9, 1), (3, 1, 1), (1, 1, 1)]
)
def test_each_run_that_was_killed_halves_the_workers(workers: int, killed: int, expected: int) -> None:
    assert fewer(workers, killed) == expected


@pytest.mark.parametrize(
    ("memory", "most", "expected"),
    [(GIB, 2 * GIB, True), (2 * GIB, 2 * GIB, False), (None, GIB, False), (GIB, None, False), (None, None, False)],
)
def test_more_memory_is_possible_below_the_maximum(memory: int | None, most: int | None, expected: bool) -> None:
    assert may_have_more_memory(memory, most) is expected


def runs(tmp_path: Path, memories: list[int | None], most: int | None) -> SuspectNotes:
    """Runs that processed one item alone, and were killed; then one that finds their notes."""
    line = toy.Line(tmp_path)
    paths: SegmentPaths = line.data(line.stage("upper").name).paths(1)
    found = SuspectNotes(line.store, paths, 0, "1-00000000", memory=GIB)
    for number, memory in enumerate(memories, start=2):
        found = SuspectNotes(line.store, paths, 0, f"{number}-00000000", memory=memory, memory_max=most)
        found.note(["item"], alone=True)
    return SuspectNotes(line.store, paths, 0, "9-00000000", memory=most, memory_max=most)


def test_an_item_that_pods_died_of_twice_fails(tmp_path: Path) -> None:
    found = runs(tmp_path, [GIB, GIB], None)
    assert found.is_fatal("item")
    assert found.lost == 3


def test_an_item_that_pods_with_little_memory_died_of_is_tried_again_with_more(tmp_path: Path) -> None:
    found = runs(tmp_path, [GIB, GIB, 2 * GIB, 2 * GIB], 4 * GIB)
    assert not found.is_fatal("item")
    assert found.is_suspect("item")


def test_with_the_most_memory_it_fails(tmp_path: Path) -> None:
    assert runs(tmp_path, [GIB, GIB, 4 * GIB, 4 * GIB], 4 * GIB).is_fatal("item")


def test_notes_of_earlier_versions_count_as_before(tmp_path: Path) -> None:
    assert runs(tmp_path, [None, None], 4 * GIB).is_fatal("item")


def test_a_shard_that_needs_more_memory_fails_its_index_at_once() -> None:
    """By the exit code for which a Job does not start the same pod again."""
    assert OutOfMemory.exit_code is ExitCode.EARLY_ABORT


def test_workers_that_are_too_many_for_the_memory_become_fewer(tmp_path: Path) -> None:
    line = toy.Line(tmp_path)
    line.limits = line.limits.replace(workers=3)
    stage = line.stage("upper")
    marker = tmp_path / "marker"
    marker.touch()
    line.put("v0", f"memory-if {marker}")
    for number in range(1, 6):
        line.put(f"v{number}")
    line.survey()
    line.run_pass(stage)
    assert set(toy.outcomes(line.data("upper")).values()) == {("done", "")}
    last = line.data("upper").last
    assert last
    assert last.counters["fewer_workers"] == 1
