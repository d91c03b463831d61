"""The worker pool: results in order, a bounded number of groups in flight, memory of all workers together."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.records.rows import Item, Media, Outcome
from reelmill.contract.task import StoreRef
from reelmill_stages.host.resident import resident
from reelmill_stages.runtime.inputs import ShardInput
from reelmill_stages.runtime.workers.group_retry import InputOutcome
from reelmill_stages.runtime.workers.messages import WorkerConfig
from reelmill_stages.runtime.workers.pool import Pool
from reelmill_stages.runtime.workers.supervisor import SupervisorConfig
from reelmill_stages.stage import Input


def config(root: Path, *, memory: int | None = None) -> SupervisorConfig:
    line = toy.Line(root)
    stage = line.stage("upper")
    worker = WorkerConfig(
        store=StoreRef(uri=str(root / "store")),
        sources=(line.source,),
        stage=stage,
        run="1-00000000",
        segment=1,
        pins={},
        folder=root,
        index=0,
        level="INFO",
    )
    (root / "work").mkdir()
    return SupervisorConfig(worker, 2, 60.0, root / "work", memory)


def given(root: Path, texts: list[str], taken: list[int]) -> Iterator[list[ShardInput]]:
    for number, text in enumerate(texts):
        file = root / f"{number}.txt"
        file.write_text(text)
        media = Media(str(file), len(text), source="raw")
        taken.append(number)
        yield [ShardInput(Input(Item(f"v{number}", number, f"v{number}", 1.0, media), number), number, "raw", 0)]


def pool(config: SupervisorConfig, groups: Iterator[list[ShardInput]], settle: Callable[[InputOutcome], None]) -> Pool:
    return Pool(
        config,
        groups,
        window=4,
        known=lambda given: None,
        settle=settle,
        tick=lambda: None,
        stop=threading.Event(),
    )


def test_results_come_in_order_and_only_so_many_groups_are_taken_before_they_are_consumed(tmp_path: Path) -> None:
    taken: list[int] = []
    settled: list[InputOutcome] = []
    flag = tmp_path / "flag"
    texts = [f"wait-for {flag}", *["quick"] * 11]

    def settle(told: InputOutcome) -> None:
        settled.append(told)
        flag.touch()

    running = pool(config(tmp_path), given(tmp_path, texts, taken), settle)
    seen: list[int] = []
    try:
        for told in running.results():
            assert len(taken) <= len(seen) + 4 + 1
            seen.append(told.given.position)
    finally:
        running.close()
    assert seen == list(range(12))
    assert settled[0].given.position != 0
    assert {told.result.outcome for told in settled} == {Outcome.DONE}


@pytest.mark.store
@pytest.mark.skipif(not resident(os.getpid()), reason="this system does not say how much memory a process has")
def test_the_largest_worker_is_killed_when_all_together_use_too_much_memory(tmp_path: Path) -> None:
    settled: list[InputOutcome] = []
    texts = [f"keep {400 << 20}", "quick", "quick"]
    running = pool(config(tmp_path, memory=350 << 20), given(tmp_path, texts, []), settled.append)
    try:
        outcomes = [(told.result.outcome, told.result.reason) for told in running.results()]
    finally:
        running.close()
    assert outcomes == [(Outcome.FAILED, "out_of_memory"), (Outcome.DONE, ""), (Outcome.DONE, "")]
    assert any("ran out of memory: it used" in told.result.message for told in settled)


def test_an_error_in_the_thread_of_the_pool_reaches_the_caller(tmp_path: Path) -> None:
    def broken() -> Iterator[list[ShardInput]]:
        raise OSError("the rows are gone")
        yield []

    running = pool(config(tmp_path), broken(), print)
    with pytest.raises(OSError, match="rows are gone"):
        list(running.results())
    running.close()
    running.close()
