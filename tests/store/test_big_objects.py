"""Objects of several parts, and streams of them, whatever the store is made of."""

import tracemalloc
from pathlib import Path

import pytest

from reelmill.contract.errors import PreconditionFailed
from reelmill_stages.store import Store

MIB = 1 << 20

BIG = bytes(range(256)) * 4096 * 11
"""11 MiB: three parts of 5 MiB."""


def test_a_big_object_is_written_and_read_whole_under_the_same_conditions(small_parts: Store, tmp_path: Path) -> None:
    store, file = small_parts, tmp_path / "big"
    file.write_bytes(BIG)
    written = store.write("big", file, create=True, metadata={"who": "ü"})
    assert store.stat("big").size == len(BIG)
    assert store.stat("big").metadata == {"who": "ü"}
    assert store.stat("big").etag == written.etag
    assert store.read("big") == BIG
    assert store.read("big", start=5 * MIB - 3, length=6) == BIG[5 * MIB - 3 : 5 * MIB + 3]
    assert store.fetch("big", tmp_path, if_match=written.etag).read_bytes() == BIG
    with pytest.raises(PreconditionFailed):
        store.write("big", file, create=True)
    after = store.write("big", BIG + b"x", if_match=written.etag)
    with pytest.raises(PreconditionFailed):
        store.write("big", BIG + b"y", if_match=written.etag)
    assert store.stat("big").etag == after.etag


def test_an_object_of_exactly_one_part_and_one_byte_more_are_whole(small_parts: Store) -> None:
    for size in (5 * MIB, 5 * MIB + 1):
        small_parts.write(f"k{size}", BIG[:size], create=True)
        assert small_parts.read(f"k{size}") == BIG[:size]


def test_a_stream_does_not_hold_the_object_in_memory(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(40 * MIB))
    store.write("k", file)
    tracemalloc.start()
    try:
        with store.open("k") as stream:
            total = sum(map(len, iter(lambda: stream.read(1 << 16), b"")))
        store.fetch("k", tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 40 * MIB
    assert peak < 12 * MIB


def test_a_stream_can_be_left_early(store: Store) -> None:
    store.write("k", BIG)
    for _ in range(3):
        with store.open("k") as stream:
            assert stream.read(3) == BIG[:3]
    assert store.read("k", length=3) == BIG[:3]
