"""Heartbeats of passes, which keep two pipelines that share a data set from working on the same pass.

Ages are computed from times of the store, because the clocks of pods may be wrong.
"""

from collections.abc import Mapping

from reelmill.contract.errors import NotFound
from reelmill.contract.records.heartbeat import YOUNG_SECONDS, Runner
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import Pass
from reelmill.contract.task import RUN_PID_ENV, Task
from reelmill_stages.host.local_process import is_dead, local_process
from reelmill_stages.records.record_files import dump, load
from reelmill_stages.store import Store

BEAT_SECONDS = 60.0
"""Seconds between two heartbeats of a shard."""


def runner(task: Task, env: Mapping[str, str]) -> Runner:
    """The pipeline to which the task belongs, and the local run that started the step with the environment `env`."""
    pid = env.get(RUN_PID_ENV, "")
    process = local_process(int(pid)) if pid.isdecimal() else None
    return Runner(uid=task.owner.uid, name=f"{task.owner.namespace}/{task.owner.name}", run=task.run, process=process)


def beat(store: Store, paths: SegmentPaths, runner: Runner) -> None:
    """Write a heartbeat for a pass."""
    store.write(paths.heartbeat, dump(runner))


def is_young(modified: float, now: float) -> bool:
    """Whether something was written recently. Both are times of the store in seconds since the epoch.

    A time far in the future was written before the store's clock was set back; it is ignored.
    """
    return abs(now - modified) < YOUNG_SECONDS


def is_foreign(store: Store, paths: SegmentPaths, opened: Pass, uid: str, now: float) -> bool:
    """Whether another pipeline is working on an open pass. `now` is a time of the store in seconds since the epoch."""
    last = load(store, paths.heartbeat, Runner) or opened.runner
    if last.uid == uid or (last.process is not None and is_dead(last.process)):
        return False
    return is_young(_modified(store, paths), now)


def _modified(store: Store, paths: SegmentPaths) -> float:
    try:
        return store.stat(paths.heartbeat).modified
    except NotFound:
        return store.stat(paths.pass_json).modified
