"""How the processes of a step are started on one machine: forked from a template, or by a new interpreter."""

import sys
from collections.abc import Mapping
from enum import StrEnum

from reelmill.contract.errors import SpecError

ENV = "REELMILL_START_METHOD"
"""Environment variable that chooses: `spawn` for all processes, `fork` for those that can be forked (the default)."""

OWN_INTERPRETER = frozenset({"run", "embed", "grid"})
"""Types of stages whose processes are always spawned."""


class StartMethod(StrEnum):
    """As in Python's multiprocessing."""

    FORK = "fork"
    """Forked from the template process, which has imported the code already."""
    SPAWN = "spawn"
    """A new interpreter."""


def start_method(environment: Mapping[str, str], *, stage: str = "", platform: str = sys.platform) -> StartMethod:
    """The start method for a step of a stage of this type (empty: a step without a stage), and for its workers.

    Processes are spawned

    - where the system is not Linux: macOS's libraries do not survive a fork, and only Linux ends a process with its
      parent (PR_SET_PDEATHSIG), which is how steps and workers end with a run that is killed;
    - for stages of the user's own (`run`): their modules may start threads or initialise CUDA when they are imported,
      and expect an interpreter in which nothing was imported before;
    - for stages that run neural networks (`embed`, `grid`): torch sets up its threads and CUDA when it is imported, and
      takes so long to import that a template would save nothing;
    - if `REELMILL_START_METHOD` is `spawn`. Raises SpecError for a value that it may not have.
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
