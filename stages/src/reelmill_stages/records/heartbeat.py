"""Heartbeats of passes, so that two pipelines that share a data set do not work on the same pass.

Ages are computed from times of the store, because the clocks of pods may be wrong.
"""

from reelmill.contract.errors import NotFound
from reelmill.contract.records.layout import SegmentPaths
from reelmill.contract.records.segment import Pass, Runner
from reelmill.contract.task import Task
from reelmill_stages.records.records import dump, load
from reelmill_stages.store import Store

YOUNG_SECONDS = 600.0
"""Seconds without a heartbeat after which another pipeline may take over a pass."""

BEAT_SECONDS = 60.0
"""Seconds between two heartbeats of a shard."""


def runner(task: Task) -> Runner:
    """The pipeline to which the task belongs."""
    return Runner(uid=task.owner.uid, name=f"{task.owner.namespace}/{task.owner.name}", run=task.run)


def beat(store: Store, paths: SegmentPaths, task: Task) -> None:
    """Write a heartbeat of the task's pipeline for a pass."""
    store.write(paths.heartbeat, dump(runner(task)))


def is_foreign(store: Store, paths: SegmentPaths, opened: Pass, uid: str, now: float) -> bool:
    """Whether another pipeline is working on an open pass. `now` is a time of the store in seconds since the epoch."""
    last = load(store, paths.heartbeat, Runner) or opened.runner
    return last.uid != uid and now - _modified(store, paths) < YOUNG_SECONDS


def _modified(store: Store, paths: SegmentPaths) -> float:
    try:
        return store.stat(paths.heartbeat).modified
    except NotFound:
        return store.stat(paths.pass_json).modified
