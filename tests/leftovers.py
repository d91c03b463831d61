"""A file of tests ends with the threads and child processes with which it began, or fails.

What outlives its file runs in the middle of other tests, and fails one of them: by a warning when it is collected, by
a number that it draws, by the memory that it holds. What fixtures of the session start is theirs until the end. A child
that has ended, but that nobody waited for, is one that is left. Files with tests of nodes, browsers or GPUs, whose
machines have threads and processes of their own, are not looked at.
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
"""Seconds in which a thread or process may end that was asked to."""
LIVES_ON = ("execnet", "process_request_thread", "TMonitor", "_DummyThread")
"""Parts of the names and classes of threads: of pytest-xdist, of servers for a connection that a client keeps, of
progress bars, and those that Python did not start.
"""
KEPT_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Parts of command lines: what Python starts once and keeps."""

HELD = ("unit", "store", "control-plane")
"""Tiers of the files that are looked at."""

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
        _of_the_session.update(left)  # told once
        pytest.fail(
            "still there after the last test of the file: " + "; ".join(sorted(map(_told, left))), pytrace=False
        )


def _after_patience(before: set[Left]) -> set[Left]:
    end = time.monotonic() + PATIENCE
    while left := {one for one in here() - before - _of_the_session if not _may_stay(one)}:
        if time.monotonic() > end:
            return left
        gc.collect()  # a pool that nobody holds ends its threads
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
