"""The same planner on one machine: steps are processes instead of pods, nothing else differs.

`run` drives a pipeline to its end: complete, stalled or stopped. It keeps no files of its own: the store has
everything, so the next run goes on where this one ended, however it ended.
"""

from reelmill.local.loop import RunResult, run
from reelmill.local.observer import Observer, QuietObserver

__all__ = ["Observer", "QuietObserver", "RunResult", "run"]
