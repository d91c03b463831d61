"""Scheduling of tests in pytest-xdist: each file, and each folder in TOGETHER, runs in one process.

Fixtures of a file are therefore set up once, also with `-n 2` without `--dist`.

Tests in tests/repo share the syntax trees of a thousand files, which each process would have to parse again.

Long files come first, so that no process works on one after the others have ended: those of demanding tiers before unit
tests, then by the timeout of their tests, then by their number.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tiers import TIERS, tier

TOGETHER = ("tests/repo/",)
"""Folders whose tests run in one process."""


class FolderOrFile(LoadFileScheduling):
    """Like `--dist loadfile`, in the order of the collection, but some folders are not divided."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests, those of long files first; the order within a file stays."""
    counts = Counter(item.path for item in items)
    demands: defaultdict[Any, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for item in items:
        timeout = item.get_closest_marker("timeout")
        own = TIERS.index(tier(item)), float(timeout.args[0]) if timeout and timeout.args else 0.0
        demands[item.path] = max(demands[item.path], own)
    return sorted(items, key=lambda item: (*demands[item.path], counts[item.path]), reverse=True)
