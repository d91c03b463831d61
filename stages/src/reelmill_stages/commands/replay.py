"""`reelmill replay`: run one stage on one item again, and compare the outputs with the committed ones.

The item is taken from the pass that processed it, with its group and its number, so the stage gets the same input. It
runs in a separate process (`replayed`), because an item worth replaying may crash or hang it.
"""

import signal
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from reelmill.contract.commands.result_rows import ReplayedFile, ReplayResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Outcome
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.commands.replay_order import ReplayAnswer, ReplayOrder
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import read_pins
from reelmill_stages.records.record_files import load
from reelmill_stages.runtime.inputs import groups, shard_inputs
from reelmill_stages.runtime.workers import safe_child
from reelmill_stages.stage import Input
from reelmill_stages.store.digests import file_digest


def replay(task: Task, env: Mapping[str, str], *, stage: str, item: str, folder: Path, timeout: float) -> ReplayResult:
    """Replay an item: its outcome now, and the comparison of its files with the committed ones.

    Outputs are written below `folder`, which must be new or empty. `timeout` is in seconds. Raises SpecError for an
    unknown item.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError("the folder is not empty", where=str(folder), hint="name a new one with --to")
    definition = stage_of(task, stage)
    data = data_set(store_of(task, env), definition)
    last = data.last.segment if data.last else 0
    inputs, wanted = find_input(data, definition, item, range(last + 1, 0, -1))
    block = registry.stage_block(definition.type, dict(definition.params))
    folder.mkdir(parents=True, exist_ok=True)
    pins = read_pins(data.store, data.names, block)
    answer = run_order(ReplayOrder(task, definition, dict(env), pins, inputs, wanted, folder), timeout)
    if answer.outcome == "done" and registry.stage_class(definition.type, dict(definition.params)).decides:
        answer = _with_verdict(data, item, answer)
    committed = {output.key.split("/", 3)[3]: output.digest for output in data.files()}
    return ReplayResult(
        stage=stage,
        item=item,
        folder=str(folder),
        outcome=answer.outcome,
        reason=answer.reason,
        message=answer.message,
        files=[_with_comparison(file, path, committed) for file, path in answer.kept],
    )


def _with_verdict(data: DataSet, item: str, answer: ReplayAnswer) -> ReplayAnswer:
    """The answer with the verdict about the item, which was given over the whole data set and is final."""
    row = next((row for row in data.ledger() if row.key == item), None)
    if row is None or row.outcome != Outcome.FILTERED:
        return answer
    return replace(answer, outcome="filtered", reason=row.reason, message=row.message)


def _with_comparison(file: ReplayedFile, path: Path, committed: Mapping[str, str]) -> ReplayedFile:
    known = committed.get(file.name)
    if file.compared == "part" or known is None:
        return file
    return ReplayedFile(name=file.name, size=file.size, compared="same" if known == file_digest(path) else "different")


def find_input(data: DataSet, stage: StageDef, item: str, segments: Iterable[int]) -> tuple[tuple[Input, ...], int]:
    """The group that an item was processed with, and its index in it, from the first pass that had it.

    Raises SpecError if none had it.
    """
    for number in segments:
        plan = load(data.store, data.paths(number).pass_json, Pass)
        for shard in range(len(plan.shards) if plan else 0):
            assert plan
            for run in groups(shard_inputs(data.store, plan, shard, data.scratch, upstreams=stage.upstreams)):
                for place, given in enumerate(run):
                    if given.key == item:
                        return tuple(one.input for one in run), place
    raise SpecError(
        f"the stage {stage.name!r} has no input item {item!r}",
        hint=f"see its items with: reelmill ledger PIPELINE.yaml --stage {stage.name} --item '*'",
    )


def run_order(order: ReplayOrder, timeout: float) -> ReplayAnswer:
    """Process an item in a separate process. `timeout` is in seconds."""
    here, process = safe_child.start("reelmill_stages.commands.replay_process", order.env)
    try:
        here.send(order)
        if not here.poll(timeout):
            return ReplayAnswer("timeout", message=f"no result after {timeout:g} s")
        answer: ReplayAnswer = here.recv()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return ReplayAnswer("crash", message=f"the process ended with code {process.wait()}")
    finally:
        here.close()
        process.send_signal(signal.SIGKILL)
        process.wait()
    return answer
