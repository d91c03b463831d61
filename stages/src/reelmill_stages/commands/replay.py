"""`reelmill replay`: one stage on one item again, outputs kept aside and compared with what was committed.

The item is taken from the pass that worked on it, with its group and its number, so the stage sees exactly what it saw.
It runs in a process of its own: an item worth replaying may well crash it, or never end.
"""

import multiprocessing
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

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
from reelmill_stages.stage import Done, Failed, Input
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


def replay(
    task: Task, env: Mapping[str, str], *, stage: str, item: str, folder: Path, timeout: float
) -> dict[str, Any]:
    """`outcome` (done, filtered, failed, skipped; crash, timeout), `reason`, `message`, and `files`: rows of `name`,
    `size`, `compared` (`same`, `different`, `new`, or `part` for what goes into a file that spans items).

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
    result = _run(_Order(task, definition, dict(env), pins, inputs, wanted, folder), timeout)
    committed = {output.key.split("/", 3)[3]: output.digest for output in data.files()}
    for file in result["files"]:
        digest = file_digest(Path(file.pop("path")))
        if file["compared"] == "new" and (known := committed.get(file["name"])):
            file["compared"] = "same" if known == digest else "different"
    return {"stage": stage, "item": item, "folder": str(folder), **result}


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


def _run(order: _Order, timeout: float) -> dict[str, Any]:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_process, args=(order, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(timeout):
            return _nothing("timeout", f"no result after {timeout:g} s")
        result: dict[str, Any] = here.recv()
    except EOFError:
        process.join()
        return _nothing("crash", f"the process ended with code {process.exitcode}")
    finally:
        process.kill()
        process.join()
    return result


def _nothing(outcome: str, message: str) -> dict[str, Any]:
    return {"outcome": outcome, "reason": "", "message": message, "files": []}


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
            answer.send(_nothing("crash", f"{type(error).__name__}: {error}"))
            return
        if isinstance(result, Done):
            answer.send({"outcome": "done", "reason": "", "message": "", "files": _keep(result, order.folder)})
        else:
            outcome = type(result).__name__.lower()
            answer.send({"outcome": outcome, "reason": result.reason, "message": result.message, "files": []})


def _keep(done: Done, folder: Path) -> list[dict[str, Any]]:
    own = [file for item in done.items for file in item.files]
    kept = []
    for file in [*own, *done.payload]:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
        kept.append(
            {
                "name": file.name,
                "path": str(target),
                "size": target.stat().st_size,
                "compared": "new" if file in own else "part",
            }
        )
    return kept
