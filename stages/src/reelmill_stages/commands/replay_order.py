"""What `reelmill replay` and the process that it starts tell each other.

They are pickled, so they cannot stand in the module that is that process's main program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reelmill.contract.commands.result_rows import ReplayedFile
from reelmill.contract.task import StageDef, Task
from reelmill_stages.stage import Input


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What the process has to do."""

    task: Task
    stage: StageDef
    env: Mapping[str, str]
    pins: Mapping[str, str]
    inputs: tuple[Input, ...]
    wanted: int
    """Place of the item among `inputs`, which are its group."""
    folder: Path
    """Where its outputs are kept."""


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """How it ended, and (file, path) of what it made; `compared` of a file is `new` or `part`."""

    outcome: Literal["done", "filtered", "failed", "skipped", "crash", "timeout"]
    reason: str = ""
    message: str = ""
    kept: tuple[tuple[ReplayedFile, Path], ...] = ()
