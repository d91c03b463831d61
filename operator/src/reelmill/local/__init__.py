"""Runs of pipelines on one machine, with the same planner as the operator, but processes instead of pods.

`run` runs a pipeline until it is complete, stalled or stopped. All state is in the store, so the next run continues
where this one ended, even after a crash.
"""

from reelmill.local.loop import RunResult, run
from reelmill.local.observer import Observer, QuietObserver

__all__ = ["Observer", "QuietObserver", "RunResult", "run"]
