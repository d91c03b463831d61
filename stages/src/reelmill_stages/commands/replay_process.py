"""The process in which `reelmill replay` runs a stage on one item: it receives an order and returns the outcome."""

import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from reelmill.contract.commands.result_rows import ReplayedFile
from reelmill.contract.errors import ItemError
from reelmill.contract.text.terminal import printable
from reelmill.contract.text.urls import without_secrets
from reelmill_stages import registry
from reelmill_stages.commands.replay_order import ReplayAnswer, ReplayOrder
from reelmill_stages.runtime.outputs.work import Files, GroupWork
from reelmill_stages.runtime.workers.safe_child import serve_parent
from reelmill_stages.stage import Done, Failed, Filtered, Result, Skipped
from reelmill_stages.store.keys import check_new_key
from reelmill_stages.store.locations import Locations

_OUTCOMES: dict[type[Result], Literal["filtered", "failed", "skipped"]] = {
    Filtered: "filtered",
    Failed: "failed",
    Skipped: "skipped",
}


def serve(connection: Connection) -> None:
    """Execute one order."""
    order: ReplayOrder = connection.recv()
    with tempfile.TemporaryDirectory(prefix="reelmill-replay-") as temporary:
        locations = Locations(order.task.store, order.task.sources, order.env)
        work = GroupWork(locations, Files(locations, order.pins, Path(temporary) / "files"), Path(temporary), None)
        stage = registry.stage(order.stage.type, dict(order.stage.params))
        try:
            result = stage.process(order.inputs, work)[order.wanted]
        except ItemError as error:
            result = Failed(error.reason, error.what)
        except Exception as error:
            sys.stderr.write(printable(without_secrets(traceback.format_exc()), keep="\n"))
            connection.send(ReplayAnswer("crash", message=f"{type(error).__name__}: {error}"))
            return
        if isinstance(result, Done):
            connection.send(ReplayAnswer("done", kept=tuple(_copy_files(result, order.folder))))
        else:
            connection.send(ReplayAnswer(_OUTCOMES[type(result)], str(result.reason), result.message))


def _copy_files(done: Done, folder: Path) -> Iterator[tuple[ReplayedFile, Path]]:
    own = [file for item in done.items for file in item.files]
    for file in [*own, *done.payload]:
        check_new_key(file.name)
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
        compared: Literal["new", "part"] = "new" if file in own else "part"
        yield ReplayedFile(name=file.name, size=target.stat().st_size, compared=compared), target


if __name__ == "__main__":
    serve_parent(serve)
