"""The context of a step: task, store, scratch folder, id of this run, and a stop flag."""

import fcntl
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.errors import TransientError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.task import Task
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.supervision import ProgressClock
from reelmill_stages.runtime.usage_meter import UsageMeter
from reelmill_stages.store import Store
from reelmill_stages.store.metered import Metered
from reelmill_stages.store.open import open_store

_PREFIX = "reelmill-run-"
_LOCK = "lock"


class Interrupted(TransientError):
    """The step was stopped by SIGTERM or SIGINT; completed work is kept, and the next run continues."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """A running step. `run` is a unique id of this process, which is part of unique names in the store."""

    task: Task
    store: Store
    env: Mapping[str, str]
    scratch: Path
    run: str
    stop: threading.Event = field(default_factory=threading.Event)
    clock: ProgressClock = field(default_factory=ProgressClock)
    """Records when a listing last made progress."""
    meter: UsageMeter = field(default_factory=lambda: UsageMeter(os.environ))
    """Usage of the step."""

    def data_set(self, name: str, key: str, *, until: int | None = None) -> DataSet:
        sources = {source.name: source.key for source in self.task.sources}
        return DataSet(self.store, DataSetPaths(name, key), scratch=self.scratch, until=until, sources=sources)

    def check_stop(self) -> None:
        """Raise Interrupted if the process was asked to stop."""
        if self.stop.is_set():
            raise Interrupted("stopped by a signal", hint="run again to continue")


@contextmanager
def context(
    task: Task,
    env: Mapping[str, str],
    stop: threading.Event,
    clock: ProgressClock | None = None,
    *,
    whole_process: bool = False,
) -> Iterator[StepContext]:
    """Open the store and a scratch folder for one step. Raises SpecError for an invalid store URI.

    With `whole_process`, all usage of this process counts as usage of the step.
    """
    with scratch_folder() as scratch:
        store = Metered(open_store(task.store, env=env))
        run, meter = f"{task.run}-{secrets.token_hex(4)}", UsageMeter(env, whole_process=whole_process)
        yield StepContext(task, store, env, scratch, run, stop, clock or ProgressClock(), meter)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder that is deleted at the end; folders left by killed runs are deleted first."""
    root = Path(tempfile.gettempdir())
    _sweep(root)
    folder, lock = _locked(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(root: Path) -> tuple[Path, int]:
    """(a new folder, descriptor of its lock); retries if another process deletes the folder before it is locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, _mark(folder))
        if (folder / _LOCK).exists():
            return folder, lock
        os.close(lock)


def _mark(folder: Path) -> bytes:
    """Content of the lock file of a scratch folder, which distinguishes it from other folders of that name."""
    return f"scratch folder {folder.name} of reelmill: removed when no process holds this lock\n".encode()


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # not locked yet, in use, or not ours
            if folder.is_symlink():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                written_mark = os.read(lock, 1024)
                if written_mark == _mark(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                elif not written_mark and list(folder.iterdir()) == [folder / _LOCK]:  # killed before it wrote the mark
                    (folder / _LOCK).unlink()
                    folder.rmdir()
            finally:
                os.close(lock)
