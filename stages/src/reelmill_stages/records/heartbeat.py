"""Who works on a pass right now, so that two pipelines that share a stage do not run it twice at once.

Ages are differences of the store's own times: the clocks of pods may be wrong.
"""

from reelmill.contract.errors import NotFound
from reelmill.contract.layout import SegmentPaths
from reelmill.contract.segment import Pass, Runner
from reelmill.contract.task import Task
from reelmill_stages.records.records import dump, load
from reelmill_stages.store import Store

YOUNG_SECONDS = 600.0
"""A pass whose heartbeat is younger belongs to its runner."""

BEAT_SECONDS = 60.0
"""How often a shard's pod says that it lives."""


def runner(task: Task) -> Runner:
    """Who this task works for."""
    return Runner(uid=task.owner.uid, name=f"{task.owner.namespace}/{task.owner.name}", run=task.run)


def beat(store: Store, paths: SegmentPaths, task: Task) -> None:
    """Say that this task's pipeline works on the pass now."""
    store.write(paths.heartbeat, dump(runner(task)))


def is_foreign(store: Store, paths: SegmentPaths, opened: Pass, uid: str, now: float) -> bool:
    """Whether another pipeline works on an open pass. `now` is by the store's clock."""
    last = load(store, paths.heartbeat, Runner) or opened.runner
    return last.uid != uid and now - _modified(store, paths) < YOUNG_SECONDS


def _modified(store: Store, paths: SegmentPaths) -> float:
    try:
        return store.stat(paths.heartbeat).modified
    except NotFound:
        return store.stat(paths.pass_json).modified
