"""Signature of the implementation of `reelmill check --deep`."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from reelmill.contract.commands.result_rows import IntegrityResult
from reelmill.contract.records.claim import Claimant
from reelmill.contract.task import Task


class IntegrityCommand(Protocol):
    def __call__(
        self,
        task: Task,
        env: Mapping[str, str],
        /,
        *,
        names: Collection[str] = (),
        max_rate: float | None = None,
        read_all: bool = False,
        progress: Path | None = None,
        claimant: Claimant | None = None,
    ) -> IntegrityResult: ...
