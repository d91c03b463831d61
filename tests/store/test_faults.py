"""What the S3 store makes of a server, or a network, that misbehaves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reelmill.contract.errors import (
    NotFound,
    PreconditionFailed,
    StoreError,
    TransientError,
)
from reelmill_stages.store.s3.http import Timeouts
from reelmill_stages.store.s3.store import S3Store
from servers import faults

pytestmark = pytest.mark.store

MIB = 1 << 20
BIG = bytes(range(256)) * 4096 * 11

PASSING = {
    "500": faults.status(500, "InternalError"),
    "503": faults.status(503, "SlowDown"),
    "503 page": faults.page(503),
    "502 page": faults.page(502),
    "429": faults.status(429, "TooManyRequests"),
    "408": faults.status(400, "RequestTimeout"),
    "reset": faults.reset,
    "stall": faults.stall(600),
}


@pytest.mark.parametrize("fault", [pytest.param(act, id=name) for name, act in PASSING.items()])
def test_a_fault_that_passes_is_waited_out(faulty, tmp_path: Path, fault: Callable) -> None:
    # Only a server that stays silent needs a short timeout, which a busy machine may also exceed.
    seconds = 1 if fault is PASSING["stall"] else 60
    store, proxy = faulty.open(timeouts=Timeouts(connect=60, read=seconds)), faulty.proxy
    proxy.fault(fault, method="PUT")
    store.write("k", b"body", create=True, metadata={"a": "1"})
    for act in (
        lambda: store.read("k") == b"body",
        lambda: store.fetch("k", tmp_path).read_bytes() == b"body",
        lambda: [stat.key for stat in store.list()] == ["k"],
    ):
        proxy.fault(fault, method="GET")
        assert act()
    proxy.fault(fault, method="HEAD")
    assert store.stat("k").metadata == {"a": "1"}
    proxy.fault(fault, method="DELETE")
    store.delete("k")
    assert [stat.key for stat in faulty.direct.list()] == []


def test_two_conditional_writes_at_once_are_sorted_out(faulty) -> None:
    faulty.proxy.fault(faults.status(409, "ConditionalRequestConflict"), method="PUT")
    faulty.store.write("k", b"body", create=True)
    assert faulty.direct.read("k") == b"body"


def test_the_waits_are_bounded_and_then_the_trouble_is_transient(faulty) -> None:
    faulty.proxy.fault(faults.status(503, "SlowDown"), times=99)
    with pytest.raises(TransientError, match="SlowDown") as error:
        faulty.store.read("k")
    assert len(faulty.proxy.seen) == 4
    assert error.value.hint
    assert "127.0.0.1" in error.value.where


def test_what_cannot_pass_is_not_tried_again(faulty) -> None:
    with pytest.raises(NotFound):
        faulty.store.read("k")
    faulty.direct.write("k", b"")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("k", b"", create=True)
    assert len(faulty.proxy.seen) == 2


@pytest.mark.parametrize("after", [0, 1, 3 * MIB])
def test_a_cut_body_is_never_taken_as_whole(faulty, tmp_path: Path, after: int) -> None:
    faulty.direct.write("k", BIG)
    for read in (
        lambda: faulty.store.read("k"),
        lambda: faulty.store.fetch("k", tmp_path).read_bytes(),
        lambda: b"".join(chunks(faulty.store)),
    ):
        faulty.proxy.fault(faults.cut(after), method="GET", times=2)
        assert read() == BIG


def chunks(store: S3Store) -> list[bytes]:
    with store.open("k") as file:
        return list(iter(lambda: file.read(100_000), b""))


def test_a_body_that_is_cut_for_ever_is_an_error_and_leaves_no_file(faulty, tmp_path: Path) -> None:
    faulty.direct.write("k", b"0123456789")
    faulty.proxy.fault(faults.cut(0), method="GET", times=99)
    for read in (
        lambda: faulty.store.read("k"),
        lambda: faulty.store.fetch("k", tmp_path),
        lambda: chunks(faulty.store),
    ):
        with pytest.raises(TransientError):
            read()
    assert list(tmp_path.iterdir()) == []


def test_what_is_replaced_between_two_halves_of_a_read_is_not_mixed(faulty) -> None:
    faulty.direct.write("k", b"a" * 3 * MIB)
    with faulty.store.open("k") as file:
        assert file.read(10) == b"a" * 10
    faulty.proxy.fault(faults.cut(2 * MIB), method="GET")
    with faulty.store.open("k") as file:
        assert file.read(10) == b"a" * 10
        faulty.direct.write("k", b"b" * 3 * MIB)
        with pytest.raises(PreconditionFailed):
            file.read()


@pytest.mark.parametrize("body", [b"small", BIG], ids=["one request", "parts"])
def test_a_create_whose_answer_was_lost_is_found_to_be_ours(faulty, body: bytes) -> None:
    final = "PUT" if body == b"small" else "POST"
    faulty.proxy.fault(faults.lost, method=final, path=r"/k(\?uploadId=.*)?$")
    written = faulty.store.write("k", body, create=True, metadata={"who": "me"})
    assert written.etag == faulty.direct.stat("k").etag
    assert faulty.direct.read("k") == body


@pytest.mark.parametrize("body", [b"small", BIG], ids=["one request", "parts"])
def test_a_replacement_whose_answer_was_lost_is_found_to_be_ours(faulty, body: bytes) -> None:
    etag = faulty.direct.write("k", b"before").etag
    final = "PUT" if body == b"small" else "POST"
    faulty.proxy.fault(faults.lost, method=final, path=r"/k(\?uploadId=.*)?$")
    faulty.store.write("k", body, if_match=etag, metadata={"who": "me"})
    assert faulty.direct.read("k") == body


@pytest.mark.parametrize(("body", "who"), [(b"other", "me"), (b"mine!", "other")])
def test_another_ones_object_is_not_taken_for_ours_after_a_retry(faulty, body: bytes, who: str) -> None:
    faulty.direct.write("k", body, metadata={"who": who})
    faulty.proxy.fault(faults.reset, method="PUT")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("k", b"mine!", create=True, metadata={"who": "me"})
    assert faulty.direct.stat("k").metadata == {"who": who}


def test_without_a_retry_even_an_equal_object_belongs_to_another_writer(faulty) -> None:
    faulty.direct.write("k", b"same")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("k", b"same", create=True)


def test_of_many_creators_through_a_bad_network_one_wins(faulty) -> None:
    for turn in range(3):
        faulty.proxy.fault(faults.lost, method="PUT", path=f"k{turn}", times=2)
        faulty.proxy.fault(faults.status(503, "SlowDown"), method="PUT", path=f"k{turn}", times=2)

        def write(number: int, key: str = f"k{turn}") -> bool:
            try:
                faulty.open().write(key, f"body {number}".encode(), create=True, metadata={"who": str(number)})
            except PreconditionFailed:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            winners = [number for number, won in enumerate(pool.map(write, range(6))) if won]
        assert faulty.direct.read(f"k{turn}") == f"body {winners[0]}".encode()
        assert len(winners) == 1


def test_a_part_that_fails_is_sent_again(faulty) -> None:
    faulty.proxy.fault(faults.status(500, "InternalError"), method="PUT", path="partNumber=2")
    faulty.proxy.fault(faults.reset, method="PUT", path="partNumber=3")
    faulty.store.write("k", BIG, create=True)
    assert faulty.direct.read("k") == BIG


def test_an_upload_that_cannot_be_finished_is_taken_back(faulty) -> None:
    faulty.proxy.fault(faults.status(500, "InternalError"), method="PUT", path="partNumber=2", times=99)
    with pytest.raises(TransientError):
        faulty.store.write("k", BIG)
    assert faulty.proxy.seen[-1].startswith("DELETE")
    assert list(faulty.direct.list()) == []


def test_a_refusal_inside_a_successful_answer_is_a_refusal(faulty) -> None:
    faulty.proxy.fault(faults.status(200, "InternalError"), method="POST", path="uploadId")
    faulty.store.write("k", BIG)
    assert faulty.direct.read("k") == BIG


def test_a_listing_continues_where_it_broke_off(faulty) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: faulty.direct.write(f"n{number:04d}", b""), range(1010)))
    faulty.proxy.fault(faults.status(503, "SlowDown"), method="GET", path="continuation-token")
    assert [stat.key for stat in faulty.store.list("n")] == [f"n{number:04d}" for number in range(1010)]


def test_a_wrong_clock_is_named(faulty) -> None:
    faulty.proxy.fault(faults.status(403, "RequestTimeTooSkewed"), times=9)
    for act in (lambda: faulty.store.read("k"), lambda: faulty.store.stat("k"), lambda: faulty.store.write("k", b"")):
        with pytest.raises(StoreError, match="clock") as error:
            act()
        assert "NTP" in error.value.hint


def test_a_full_store_may_pass(faulty) -> None:
    faulty.proxy.fault(faults.status(507, "XMinioStorageFull"), times=9)
    with pytest.raises(TransientError, match="full"):
        faulty.store.write("k", b"")


def test_a_request_over_a_stalled_connection_ends_in_time(faulty) -> None:
    faulty.proxy.fault(faults.stall(3600), times=99)
    with pytest.raises(TransientError, match="in time"):
        faulty.open(timeouts=Timeouts(connect=0.2, read=0.2)).read("k")
