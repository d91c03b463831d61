"""Gives the tests of this folder torch, and nobody else. Where it is not prepared, each file is one skipped test."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from torch_home import torch_home

collect_ignore_glob: list[str] = []
WITHOUT = ""
"""Why there is no torch."""

if not (tiers := os.environ.get("REELMILL_TIERS")) or "store" in tiers or "gpu" in tiers:
    try:
        HOME = str(torch_home())
    except Unavailable as problem:
        WITHOUT = str(problem)
    else:
        sys.path.append(HOME)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), HOME]))
else:
    collect_ignore_glob.append("*")


class Skipped(pytest.Item):
    """Stands for the tests of a file that cannot be imported without torch."""

    def runtest(self) -> None:
        pytest.skip(WITHOUT)


class SkippedFile(pytest.Module):
    """A file of tests that is not imported."""

    def collect(self) -> Iterator[Skipped]:
        item: Skipped = Skipped.from_parent(self, name="needs_torch")
        item.add_marker("store")
        yield item


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Import no test here without torch."""
    return SkippedFile.from_parent(parent, path=module_path) if WITHOUT else None
