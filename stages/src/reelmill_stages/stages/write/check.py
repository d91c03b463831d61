"""`reelmill check` for data sets in the formats of training libraries: a folder is complete, and its files open."""

from collections.abc import Iterator
from pathlib import Path

from reelmill_stages.format_checks import Check, Finding
from reelmill_stages.stages.write.checks.lance import LanceCheck
from reelmill_stages.stages.write.checks.lerobot import LerobotCheck
from reelmill_stages.stages.write.checks.mds import MdsCheck
from reelmill_stages.stages.write.checks.parquet import ParquetCheck

FORMAT = "written"
_CHECKS: tuple[Check, ...] = (ParquetCheck(), MdsCheck(), LanceCheck(), LerobotCheck())


class WrittenCheck:
    """The check for the format `written`."""

    def detect(self, folder: Path) -> bool:
        return any(check.detect(folder) for check in _CHECKS)

    def check(self, folder: Path) -> Iterator[Finding]:
        for check in _CHECKS:
            if check.detect(folder):
                yield from check.check(folder)
