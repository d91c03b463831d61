"""A plugin that fails a test file if threads or child processes that it started are left at its end.

Leftovers run during other tests and can make them fail: by a warning at collection, by drawing random numbers, or by
their memory. Threads and processes of session fixtures are allowed until the end. A child that has ended but was not
waited for counts as left. Files with tests of nodes, browsers or GPUs, which have other threads and processes, are not
checked.
"""

import gc
import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from host import children, command_line
from tiers import tier

PATIENCE = 60.0
"""Seconds that a thread or process may take to end after a request."""
LIVES_ON = ("execnet", "process_request_thread", "TMonitor", "_DummyThread")
"""Parts of the names and classes of allowed threads: those of pytest-xdist, of servers for kept connections, of
progress bars, and those that Python did not start.
"""
KEPT_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Parts of command lines of processes that Python starts once and keeps."""

HELD = ("unit", "store", "control-plane")
"""Tiers of the files that are checked."""

Left = threading.Thread | int
"""A thread, or the number of a process."""

_of_the_session: set[Left] = set()
_others: set[Path] = set()


def here() -> set[Left]:
    """The threads and the children of this process."""
    return {*threading.enumerate(), *children(os.getpid())}


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    before = here() if request.scope == "session" else None
    try:
        return (yield)
    finally:
        if before is not None:
            _of_the_session.update(here() - before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _others.update(item.path for item in items if tier(item) not in HELD)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    before = here()
    yield
    if request.path in _others:
        return
    if left := _after_patience(before):
        _of_the_session.update(left)  # reported once
        pytest.fail(
            "still there after the last test of the file: " + "; ".join(sorted(map(_told, left))), pytrace=False
        )


def _after_patience(before: set[Left]) -> set[Left]:
    end = time.monotonic() + PATIENCE
    while left := {one for one in here() - before - _of_the_session if not _may_stay(one)}:
        if time.monotonic() > end:
            return left
        gc.collect()  # unreferenced pools end their threads
        time.sleep(0.05)
    return left


def _may_stay(one: Left) -> bool:
    if isinstance(one, int):
        return any(part in command_line(one) for part in KEPT_PROCESSES)
    return any(part in repr(one) for part in LIVES_ON)


def _told(one: Left) -> str:
    if isinstance(one, int):
        return f"process {one} ({command_line(one).strip() or 'ended, but nobody waited for it'})"
    return f"thread {one.name}"
