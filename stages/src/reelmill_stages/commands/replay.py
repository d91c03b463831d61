"""`reelmill replay`: one stage on one item again, outputs kept aside and compared with what was committed.

The item is taken from the pass that worked on it, with its group and its number, so the stage sees exactly what it saw.
It runs in a process of its own: an item worth replaying may well crash it, or never end.
"""

import multiprocessing
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from reelmill.contract.command_rows import ReplayedFile, ReplayResult
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.segment import Pass
from reelmill.contract.task import StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.pins import read_pins
from reelmill_stages.records.records import load
from reelmill_stages.runtime.inputs import groups, shard_inputs
from reelmill_stages.runtime.outputs.upload import file_digest
from reelmill_stages.runtime.outputs.work import Files, GroupWork
from reelmill_stages.stage import Done, Failed, Filtered, Input, Result, Skipped
from reelmill_stages.store.locations import Locations


@dataclass(frozen=True, slots=True)
class _Order:
    """What the process is told."""

    task: Task
    stage: StageDef
    env: Mapping[str, str]
    pins: Mapping[str, str]
    inputs: tuple[Input, ...]
    wanted: int
    folder: Path


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the process tells back: how it ended, and (file, path) of what it made; `compared` is `new` or `part`."""

    outcome: Literal["done", "filtered", "failed", "skipped", "crash", "timeout"]
    reason: str = ""
    message: str = ""
    kept: tuple[tuple[ReplayedFile, Path], ...] = ()


_OUTCOMES: dict[type[Result], Literal["filtered", "failed", "skipped"]] = {
    Filtered: "filtered",
    Failed: "failed",
    Skipped: "skipped",
}


def replay(task: Task, env: Mapping[str, str], *, stage: str, item: str, folder: Path, timeout: float) -> ReplayResult:
    """How the stage on one item ends now, and how its files compare with the committed ones.

    Outputs lie below `folder`, which must be new or empty. `timeout` is in seconds. Raises SpecError for an
    unknown item.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError("the folder is not empty", where=str(folder), hint="name a new one with --to")
    definition = stage_of(task, stage)
    data = data_set(store_of(task, env), definition)
    inputs, wanted = _find(data, definition, item)
    block = registry.stage_block(definition.type, dict(definition.params))
    folder.mkdir(parents=True, exist_ok=True)
    pins = read_pins(data.store, data.names, block)
    answer = _run(_Order(task, definition, dict(env), pins, inputs, wanted, folder), timeout)
    committed = {output.key.split("/", 3)[3]: output.digest for output in data.files()}
    return ReplayResult(
        stage=stage,
        item=item,
        folder=str(folder),
        outcome=answer.outcome,
        reason=answer.reason,
        message=answer.message,
        files=[_compared(file, path, committed) for file, path in answer.kept],
    )


def _compared(file: ReplayedFile, path: Path, committed: Mapping[str, str]) -> ReplayedFile:
    known = committed.get(file.name)
    if file.compared == "part" or known is None:
        return file
    return ReplayedFile(name=file.name, size=file.size, compared="same" if known == file_digest(path) else "different")


def _find(data: DataSet, stage: StageDef, item: str) -> tuple[tuple[Input, ...], int]:
    """The group that an item was worked on with, and its place in it, from the last pass that had it."""
    union = len(stage.upstreams) > 1
    last = data.last.segment if data.last else 0
    for number in range(last + 1, 0, -1):
        plan = load(data.store, data.paths(number).pass_json, Pass)
        for shard in range(len(plan.shards) if plan else 0):
            assert plan
            for run in groups(shard_inputs(data.store, plan, shard, data.scratch, union=union)):
                for place, given in enumerate(run):
                    if given.key == item:
                        return tuple(one.input for one in run), place
    raise SpecError(
        f"the stage {stage.name!r} was never given an item {item!r}",
        hint=f"see its items with: reelmill ledger PIPELINE.yaml --stage {stage.name} --item '*'",
    )


def _run(order: _Order, timeout: float) -> _Answer:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_process, args=(order, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(timeout):
            return _Answer("timeout", message=f"no result after {timeout:g} s")
        answer: _Answer = here.recv()
    except EOFError:
        process.join()
        return _Answer("crash", message=f"the process ended with code {process.exitcode}")
    finally:
        process.kill()
        process.join()
    return answer


def _process(order: _Order, answer: Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="reelmill-replay-") as temporary:
        locations = Locations(order.task.store, order.task.sources, order.env)
        work = GroupWork(locations, Files(locations, order.pins, Path(temporary) / "files"), Path(temporary), None)
        stage = registry.stage(order.stage.type, dict(order.stage.params))
        try:
            result = stage.process(order.inputs, work)[order.wanted]
        except ItemError as error:
            result = Failed(error.reason, error.what)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            answer.send(_Answer("crash", message=f"{type(error).__name__}: {error}"))
            return
        if isinstance(result, Done):
            answer.send(_Answer("done", kept=tuple(_keep(result, order.folder))))
        else:
            answer.send(_Answer(_OUTCOMES[type(result)], str(result.reason), result.message))


def _keep(done: Done, folder: Path) -> Iterator[tuple[ReplayedFile, Path]]:
    own = [file for item in done.items for file in item.files]
    for file in [*own, *done.payload]:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
        compared: Literal["new", "part"] = "new" if file in own else "part"
        yield ReplayedFile(name=file.name, size=target.stat().st_size, compared=compared), target
