"""Objects that are read by ranges: the bytes are the object's, and little else is transferred."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranged_media import RangedFolder, ranged
from reelmill.contract.errors import PreconditionFailed, RangesUnsupported, TransientError
from reelmill_stages.media_file import WholeFileNeeded
from reelmill_stages.store.ranges.block_cache import BlockCache
from reelmill_stages.store.ranges.ranged_media import RangedMedia
from reelmill_stages.store.ranges.read_ahead import LARGEST, ReadAhead
from servers.faults import Handler, cut

SIZE = 100_003
BODY = bytes((number * 7 + number // 251) % 256 for number in range(SIZE))
BIG = BODY * 30

READS = st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(1, 20_000)), min_size=1, max_size=12)
SPANS = st.tuples(st.integers(0, SIZE), st.integers(0, 6_000)).map(lambda at: range(at[0], sum(at)))
PLANS = st.lists(SPANS, max_size=4)


@given(READS, PLANS, st.sampled_from([512, 4096]), st.sampled_from([2048, 16_384, 1 << 20]))
def test_any_reads_in_any_order_give_the_bytes_of_the_object(
    reads: list[tuple[int, int]], plan: list[range], block: int, limit: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = RangedFolder(Path(name))
        store.write("film", BODY)
        found = ranged(store, "film", block=block, limit=limit)
        found.expect(plan)
        file = found.open()
        for start, length in reads:
            file.seek(start)
            assert file.read(length) == BODY[start : start + length]
        found.close()


def test_what_is_read_twice_is_transferred_once(tmp_path: Path) -> None:
    store = RangedFolder(tmp_path)
    store.write("film", BODY)
    found = ranged(store, "film")
    for _ in range(2):
        file = found.open()
        file.seek(5000)
        file.read(3000)
    assert sum(length for _, length in store.requests) < 4 * 3000
    assert found.transferred == sum(length for _, length in store.requests)


def test_expected_ranges_are_transferred_and_nothing_between_them(tmp_path: Path) -> None:
    store = RangedFolder(tmp_path)
    store.write("film", BODY)
    found = ranged(store, "film")
    plan = [range(10_000, 20_000), range(60_000, 65_000)]
    found.expect(plan)
    file = found.open()
    for wanted in plan:
        file.seek(wanted.start)
        assert file.read(len(wanted)) == BODY[wanted.start : wanted.stop]
    assert sum(length for _, length in store.requests) <= 15_000 + 4 * 512


def test_the_cache_on_disk_is_bounded(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, block=1024, limit=8192)
    number = cache.add_object()
    for block in range(100):
        cache.put((number, block), bytes([block]) * 1024)
    assert cache._file.seek(0, 2) == 8192
    assert [block for block in range(100) if (number, block) in cache] == [*range(92, 100)]
    assert cache.get((number, 95), 10, 5) == bytes([95]) * 5
    assert cache.get((number, 3), 0, 5) is None


def test_objects_share_a_cache_without_mixing(tmp_path: Path) -> None:
    store = RangedFolder(tmp_path)
    store.write("one", BODY)
    store.write("two", BODY[::-1])
    cache = BlockCache(tmp_path, block=512)
    one, two = (RangedMedia(store, key, SIZE, cache, etag=store.stat(key).etag) for key in ("one", "two"))
    assert one.open().read(700) == BODY[:700]
    assert two.open().read(700) == BODY[::-1][:700]


def test_a_reader_that_needs_most_of_an_object_has_to_fetch_all_of_it(tmp_path: Path) -> None:
    store = RangedFolder(tmp_path)
    store.write("film", BODY)
    found = ranged(store, "film", most=0.5)
    with pytest.raises(WholeFileNeeded, match="most of"):
        found.expect([range(SIZE * 2 // 3)])
    assert not store.requests


def test_requests_grow_with_the_latency_of_the_server() -> None:
    near, far = ReadAhead(), ReadAhead()
    for ahead, latency in ((near, 0.0005), (far, 0.05)):
        ahead.measured(1000, latency)
        ahead.measured(10 << 20, latency + 0.1)
    assert near.request() < far.request() <= LARGEST
    assert near.parallel() >= far.parallel() >= 2


def whole_object(handler: Handler, body: bytes) -> None:
    """A server that knows no ranges."""
    del handler.headers["Range"]
    code, headers, answer = handler.forward(body)
    handler.answer(code, headers, answer)


def another_range(handler: Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    others = [(name, "bytes 7-9/10" if name.lower() == "content-range" else value) for name, value in headers]
    handler.answer(code, others, answer)


def no_content_range(handler: Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    handler.answer(code, [pair for pair in headers if pair[0].lower() != "content-range"], answer)


def short(handler: Handler, body: bytes) -> None:
    """Consistent in itself, but less than was asked for."""
    code, headers, answer = handler.forward(body)
    handler.answer(code, headers, answer[:-10])


def another_etag(handler: Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    handler.answer(code, [(name, '"x"' if name.lower() == "etag" else value) for name, value in headers], answer)


def by_proxy(faulty, folder: Path) -> RangedMedia:
    stat = faulty.direct.write("film", BIG)
    return RangedMedia(faulty.store, "film", stat.size, BlockCache(folder), etag=stat.etag)


WITHOUT_RANGES: list[Callable[[Handler, bytes], None]] = [another_range, no_content_range, short]


@pytest.mark.store
@pytest.mark.parametrize("fault", WITHOUT_RANGES)
def test_a_server_that_lies_about_ranges_asks_for_the_whole_file(faulty, tmp_path: Path, fault: Callable) -> None:
    found = by_proxy(faulty, tmp_path)
    faulty.proxy.fault(fault, method="GET", times=99)
    with pytest.raises(WholeFileNeeded):
        found.open().read(100)
    with pytest.raises(WholeFileNeeded):
        found.open().read(100)


@pytest.mark.store
def test_a_whole_object_is_never_taken_for_a_range_of_it(faulty, tmp_path: Path) -> None:
    faulty.direct.write("film", BIG)
    etag = faulty.direct.stat("film").etag

    def ignored(handler: Handler, body: bytes) -> None:
        handler.answer(200, [("ETag", f'"{etag}"')], BIG)

    faulty.proxy.fault(ignored, method="GET", times=99)
    with pytest.raises(RangesUnsupported):
        faulty.store.read("film", start=10, length=100)
    with pytest.raises(RangesUnsupported):
        faulty.store.read("film", length=100)
    found = RangedMedia(faulty.store, "film", len(BIG), BlockCache(tmp_path), etag=etag)
    with pytest.raises(WholeFileNeeded):
        found.open().read(100)


@pytest.mark.store
def test_an_object_that_is_replaced_between_two_ranges_is_not_mixed(faulty, tmp_path: Path) -> None:
    found = by_proxy(faulty, tmp_path)
    file = found.open()
    assert file.read(100) == BIG[:100]
    faulty.direct.write("film", BIG[::-1])
    file.seek(2_000_000)
    with pytest.raises(PreconditionFailed):
        file.read(100)
    assert isinstance(found.failure, PreconditionFailed)
    with pytest.raises(PreconditionFailed):
        found.open().read(100)


@pytest.mark.store
def test_a_server_that_ignores_conditions_is_found_out_by_the_etag(faulty, tmp_path: Path) -> None:
    found = by_proxy(faulty, tmp_path)
    faulty.proxy.fault(another_etag, method="GET")
    with pytest.raises(PreconditionFailed):
        found.open().read(100)


@pytest.mark.store
def test_a_range_that_breaks_off_is_continued_or_given_up(faulty, tmp_path: Path) -> None:
    found = by_proxy(faulty, tmp_path)
    faulty.proxy.fault(cut(1000), method="GET")
    assert found.open().read(100_000) == BIG[:100_000]
    faulty.proxy.fault(cut(0), method="GET", times=99)
    file = found.open()
    file.seek(2_000_000)
    with pytest.raises(TransientError):
        file.read(100)


@pytest.mark.store
def test_expected_ranges_are_requested_side_by_side(faulty, tmp_path: Path) -> None:
    found = by_proxy(faulty, tmp_path)
    together = threading.Barrier(2, timeout=120)

    def waits(handler: Handler, body: bytes) -> None:
        together.wait()
        handler.answer(*handler.forward(body))

    faulty.proxy.fault(waits, method="GET", times=2)
    plan = [range(1_000_000, 1_100_000), range(2_000_000, 2_100_000)]
    found.expect(plan)
    file = found.open()
    for wanted in plan:
        file.seek(wanted.start)
        assert file.read(len(wanted)) == BIG[wanted.start : wanted.stop]
