"""Messages between `reelmill replay` and the process that it starts.

They are pickled, so they cannot be defined in the module that is the main program of that process.
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
    """The work for the process."""

    task: Task
    stage: StageDef
    env: Mapping[str, str]
    pins: Mapping[str, str]
    inputs: tuple[Input, ...]
    wanted: int
    """Index of the item among `inputs`, which are its group."""
    folder: Path
    """Folder in which its outputs are kept."""


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """The outcome, and (file, path) of each output; `compared` of a file is `new` or `part`."""

    outcome: Literal["done", "filtered", "failed", "skipped", "crash", "timeout"]
    reason: str = ""
    message: str = ""
    kept: tuple[tuple[ReplayedFile, Path], ...] = ()
