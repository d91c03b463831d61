"""A metered store counts what goes through it, and is a store like the one below."""

import hashlib
import threading
from pathlib import Path

from reelmill.contract.records.usage import Bound, WorkSeconds
from reelmill_stages.metering.work_clock import WorkClock
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.metered import Metered, Transferred

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
