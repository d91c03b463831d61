"""A metered store counts what goes through it, and is a store like the one below."""

import hashlib
import inspect
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.usage import Bound, WorkSeconds
from reelmill_stages.metering.work_clock import WorkClock
from reelmill_stages.store import Store
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.metered import Metered, Transferred
from reelmill_stages.store.read_only import ReadOnly

DATA = bytes(range(256)) * 5000


def metered(root: Path) -> tuple[Metered, Transferred]:
    transferred = Transferred()
    return Metered(LocalStore(root), transferred), transferred


def test_bytes_are_counted_in_both_directions(tmp_path: Path) -> None:
    store, transferred = metered(tmp_path / "store")
    store.write("a", DATA)
    (tmp_path / "file").write_bytes(b"xyz")
    store.write("b", tmp_path / "file")
    assert transferred.take() == (0, len(DATA) + 3)
    store.read("a", start=10, length=20)
    assert transferred.take() == (20, 0)
    store.fetch("b", tmp_path)
    assert transferred.take() == (3, 0)
    assert transferred.take() == (0, 0)


def test_a_stream_is_the_one_below_and_its_bytes_count_as_they_are_read(tmp_path: Path) -> None:
    store, transferred = metered(tmp_path)
    store.write("a", DATA)
    transferred.take()
    with store.open("a") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == hashlib.sha256(DATA).hexdigest()
    assert transferred.take() == (len(DATA), 0)
    with store.open("a") as file:
        assert b"".join(file) == DATA


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_moment_counts_once_for_the_innermost_span() -> None:
    time = Time()
    clock = WorkClock(time)
    time.now = 1.0
    with clock.on(Bound.COMPUTE):
        time.now = 3.0
        with clock.on(Bound.DECODE):
            time.now = 7.0
            with clock.on(Bound.STORE):
                time.now = 15.0
            time.now = 15.5
        time.now = 16.0
    assert clock.take() == WorkSeconds(waiting=1.0, compute=2.5, decode=4.5, store=8.0)
    assert clock.take() == WorkSeconds()


def test_what_other_threads_do_meanwhile_does_not_count() -> None:
    time = Time()
    clock = WorkClock(time)

    def other() -> None:
        with clock.on(Bound.STORE):
            time.now = 5.0

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert clock.take() == WorkSeconds(waiting=5.0)


def test_a_span_ends_with_an_error() -> None:
    time = Time()
    clock = WorkClock(time)
    try:
        with clock.on(Bound.STORE):
            time.now = 2.0
            raise ValueError
    except ValueError:
        time.now = 3.0
    assert clock.take() == WorkSeconds(store=2.0, waiting=1.0)


class Counting(io.RawIOBase):
    """Random bytes, which count how often they are asked for."""

    def __init__(self) -> None:
        self.left, self.asked = len(DATA), 0

    def read(self, size: int = -1) -> bytes:
        self.asked += 1
        count = self.left if size < 0 else min(size, self.left)
        self.left -= count
        return DATA[len(DATA) - self.left - count : len(DATA) - self.left]


class OneStream(LocalStore):
    """A store whose objects are one stream."""

    stream = Counting()

    @contextmanager
    def open(self, key: str, **_: Any) -> Iterator[Any]:
        self.stream = Counting()
        yield self.stream


def test_the_rest_of_a_stream_is_read_in_large_pieces(tmp_path: Path) -> None:
    transferred = Transferred()
    below = OneStream(tmp_path)
    with Metered(below, transferred).open("a") as file:
        assert file.read(10) + file.read() == DATA
    assert transferred.take() == (len(DATA), 0)
    assert below.stream.asked <= 2 + len(DATA) // (1 << 20) + 1


@pytest.mark.parametrize("wrapped", [Metered, ReadOnly])
def test_a_store_in_front_of_another_has_all_that_a_store_has(wrapped: type[Any], tmp_path: Path) -> None:
    wanted = {name: member for name, member in vars(Store).items() if not name.startswith("_")}
    for name, member in wanted.items():
        if inspect.isfunction(member):
            ours = inspect.signature(getattr(wrapped, name))
            assert ours.parameters.keys() == inspect.signature(member).parameters.keys(), name
    below = LocalStore(tmp_path)
    below.write("folder/a", b"12345")
    store: Store = wrapped(below)
    assert (store.uri, store.remote, list(store.folders())) == (below.uri, below.remote, ["folder"])
    assert [stat.key for stat in store.list("folder/")] == ["folder/a"]
    assert (store.stat("folder/a").size, store.read("folder/a", start=1, length=2)) == (5, b"23")
    with store.open("folder/a") as file:
        assert file.read() == b"12345"
    assert store.fetch("folder/a", tmp_path).read_bytes() == b"12345"
