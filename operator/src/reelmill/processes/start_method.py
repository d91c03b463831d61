"""The start method of a step's processes on one machine: forked from a template, or a new interpreter."""

import sys
from collections.abc import Mapping
from enum import StrEnum

from reelmill.contract.errors import SpecError

ENV = "REELMILL_START_METHOD"
"""Environment variable that chooses: `spawn` for all processes, `fork` for those that can be forked (the default)."""

OWN_INTERPRETER = frozenset({"run", "embed", "grid"})
"""Types of stages whose processes are always spawned."""


class StartMethod(StrEnum):
    """Start methods, named as in Python's multiprocessing."""

    FORK = "fork"
    """Fork of the template process, which has already imported the code."""
    SPAWN = "spawn"
    """A new interpreter."""


def start_method(environment: Mapping[str, str], *, stage: str = "", platform: str = sys.platform) -> StartMethod:
    """The start method for a step of a stage of this type (empty: a step without a stage), and for its workers.

    Processes are spawned

    - if the system is not Linux: macOS's libraries do not survive a fork, and only Linux ends a process with its parent
      (PR_SET_PDEATHSIG), which ends steps and workers when their run is killed;
    - for custom stages (`run`): their modules may start threads or initialise CUDA when they are imported, and expect
      an interpreter in which nothing was imported before;
    - for stages that run neural networks (`embed`, `grid`): torch sets up its threads and CUDA when it is imported, and
      takes so long to import that a template would save nothing;
    - if `REELMILL_START_METHOD` is `spawn`. Raises SpecError if its value is invalid.
    """
    try:
        wanted = StartMethod(environment.get(ENV) or StartMethod.FORK)
    except ValueError:
        raise SpecError(
            f"{environment[ENV]!r} is no start method", where=ENV, hint="use fork or spawn, or unset it"
        ) from None
    if platform != "linux" or stage in OWN_INTERPRETER or ":" in stage:
        return StartMethod.SPAWN
    return wanted
