"""What the store in Google Cloud Storage makes of a server, or a network, that misbehaves, and of other programs."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, TransientError, Unreachable
from reelmill.contract.task import Connection
from reelmill_stages.store.google.store import GoogleStore
from reelmill_stages.store.probe import probe
from reelmill_stages.store.retry import Patience
from servers import faults
from servers.faults import FaultProxy, fault_proxy
from servers.gcs import BUCKET, GcsServer
from servers.processes import free_ports

pytestmark = pytest.mark.store

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)
BIG = bytes(range(256)) * 4096 * 20
"""20 MiB: more than one request of each kind."""
ANONYMOUS = {"GOOGLE_STORAGE_ANONYMOUS": "true"}


@dataclass
class Faulty:
    """A store behind a proxy that misbehaves, and the same store without one."""

    store: GoogleStore
    hasty: GoogleStore
    """The same, which waits a second for an answer."""
    direct: GoogleStore
    proxy: FaultProxy


def opened(
    port: int, prefix: str, *, bucket: str = BUCKET, seconds: float = 60, patience: Patience = QUICK
) -> GoogleStore:
    return GoogleStore(
        bucket,
        prefix,
        connection=Connection(endpoint=f"http://127.0.0.1:{port}"),
        env=ANONYMOUS,
        patience=patience,
        timeouts=(seconds, seconds),
    )


@pytest.fixture
def faulty(gcs_server: GcsServer) -> Iterator[Faulty]:
    prefix = uuid4().hex
    with fault_proxy(gcs_server.port) as proxy:
        there = opened(gcs_server.port, prefix)
        yield Faulty(opened(proxy.port, prefix), opened(proxy.port, prefix, seconds=1), there, proxy)


@pytest.fixture
def bucket(gcs_server: GcsServer) -> Bucket:
    client = Client(
        project="none", credentials=AnonymousCredentials(), client_options={"api_endpoint": gcs_server.endpoint}
    )
    return client.bucket(BUCKET)


PASSING = {
    "500": faults.status(500, "backendError"),
    "503 page": faults.page(503),
    "429": faults.status(429, "rateLimitExceeded"),
    "reset": faults.reset,
    "stall": faults.stall(60),
}


@pytest.mark.parametrize("fault", [pytest.param(act, id=name) for name, act in PASSING.items()])
def test_a_fault_that_passes_is_waited_out(faulty: Faulty, tmp_path: Path, fault: Callable) -> None:
    # Only a server that stays silent needs a short timeout, which a busy machine may also exceed.
    store, proxy = faulty.hasty if fault is PASSING["stall"] else faulty.store, faulty.proxy
    proxy.fault(fault, method="POST")
    store.write("k", b"body", create=True, metadata={"a": "1"})
    for act in (
        lambda: store.read("k") == b"body",
        lambda: store.fetch("k", tmp_path).read_bytes() == b"body",
        lambda: [stat.key for stat in store.list()] == ["k"],
        lambda: store.stat("k").metadata == {"a": "1"},
    ):
        proxy.fault(fault, method="GET")
        assert act()


def test_a_fault_that_stays_is_temporary(faulty: Faulty) -> None:
    faulty.proxy.fault(faults.status(503, "backendError"), method="POST", times=100)
    with pytest.raises(TransientError):
        faulty.store.write("k", b"body")


@pytest.mark.parametrize("body", [b"body", BIG[: 9 << 20]], ids=["one request", "resumable"])
def test_a_write_whose_answer_was_lost_counts_if_the_object_is_the_same(faulty: Faulty, body: bytes) -> None:
    method = "POST" if len(body) < 1000 else "PUT"
    faulty.proxy.fault(faults.lost, method=method)
    faulty.store.write("k", body, create=True, metadata={"a": "1"})
    assert faulty.direct.read("k") == body
    faulty.direct.write("taken", b"theirs", create=True)
    faulty.proxy.fault(faults.lost, method="POST")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("taken", b"ours", create=True)
    assert faulty.direct.read("taken") == b"theirs"


def test_a_large_object_is_created_and_replaced_under_conditions(gcs_server: GcsServer) -> None:
    store = opened(gcs_server.port, uuid4().hex, seconds=20)
    first = store.write("k", BIG, create=True)
    with pytest.raises(PreconditionFailed):
        store.write("k", BIG, create=True)
    store.write("k", BIG[::-1], if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        store.write("k", BIG, if_match=first.etag)
    assert store.read("k") == BIG[::-1]


def test_a_body_that_is_cut_is_continued_with_the_same_version(faulty: Faulty, tmp_path: Path) -> None:
    faulty.direct.write("k", BIG)
    faulty.proxy.fault(faults.cut(100_000), method="GET", path="alt=media")
    assert faulty.store.read("k") == BIG
    faulty.proxy.fault(faults.cut(100_000), method="GET", path="alt=media")
    assert faulty.store.fetch("k", tmp_path).read_bytes() == BIG


def test_a_large_object_is_read_by_one_request_and_the_rest_by_another_where_it_breaks_off(
    faulty: Faulty, tmp_path: Path
) -> None:
    faulty.direct.write("k", BIG)
    asked: list[str] = []

    def noted(handler: faults.Handler, body: bytes) -> None:
        asked.append(handler.headers.get("Range", "all"))
        handler.answer(*handler.forward(body))

    def all_of_it() -> bytes:
        with faulty.store.open("k") as stream:
            return stream.read()

    for read in (lambda: faulty.store.fetch("k", tmp_path).read_bytes(), all_of_it):
        asked.clear()
        faulty.proxy.fault(noted, method="GET", path="alt=media", times=100)
        assert read() == BIG
        assert asked == ["all"]
        asked.clear()
        faulty.proxy.faults.clear()
        faulty.proxy.fault(faults.cut(5_000_000), method="GET", path="alt=media")
        faulty.proxy.fault(noted, method="GET", path="alt=media", times=100)
        assert read() == BIG
        (rest,) = asked
        assert 0 < int(rest.removeprefix("bytes=").removesuffix("-")) <= 5_000_000
        faulty.proxy.faults.clear()


def test_an_object_is_read_whole_by_one_request_and_compared_with_its_checksum(faulty: Faulty) -> None:
    faulty.direct.write("k", BIG)
    asked: list[str] = []

    def damaged(handler: faults.Handler, body: bytes) -> None:
        asked.append(handler.headers.get("Range", "all"))
        code, headers, answer = handler.forward(body)
        handler.answer(code, headers, b"?" + answer[1:] if len(asked) == 1 else answer)

    faulty.proxy.fault(damaged, method="GET", path="alt=media", times=100)
    assert faulty.store.read("k") == BIG
    assert asked == ["all", "all"]


def _damaged(handler: faults.Handler, body: bytes) -> None:
    code, headers, answer = handler.forward(body)
    handler.answer(code, headers, b"?" + answer[1:])


def test_what_was_damaged_on_the_way_is_fetched_again_and_a_stream_of_it_ends_in_an_error(
    faulty: Faulty, tmp_path: Path
) -> None:
    faulty.direct.write("k", BIG)
    faulty.proxy.fault(_damaged, method="GET", path="alt=media")
    assert faulty.store.fetch("k", tmp_path).read_bytes() == BIG
    faulty.proxy.fault(_damaged, method="GET", path="alt=media", times=2)
    with pytest.raises(TransientError, match="checksum"):
        faulty.store.fetch("k", tmp_path / "wrong")
    faulty.proxy.fault(_damaged, method="GET", path="alt=media")
    with pytest.raises(TransientError, match="checksum"), faulty.store.open("k") as stream:
        stream.read()


SENT = pytest.mark.parametrize(
    ("body", "method"), [(b"body", "POST"), (BIG[: 9 << 20], "PUT")], ids=["one request", "resumable"]
)


@SENT
def test_what_was_damaged_on_its_way_to_the_server_is_sent_again(faulty: Faulty, body: bytes, method: str) -> None:
    def damaged(handler: faults.Handler, sent: bytes) -> None:
        handler.answer(*handler.forward(sent.replace(body, b"?" + body[1:])))

    faulty.proxy.fault(damaged, method=method)
    faulty.store.write("k", body, create=True)
    assert faulty.direct.read("k") == body


@SENT
def test_an_upload_whose_checksum_is_told_wrongly_deletes_nothing_of_others(
    faulty: Faulty, body: bytes, method: str
) -> None:
    def damaged(handler: faults.Handler, sent: bytes) -> None:
        code, headers, answer = handler.forward(sent)
        faulty.direct.write("k", b"theirs")
        handler.answer(code, headers, re.sub(rb'"crc32c":"[^"]*"', b'"crc32c":"AAAAAA=="', answer))

    faulty.proxy.fault(damaged, method=method)
    # fake-gcs-server ignores conditions on deletions
    faulty.proxy.fault(faults.status(412, "conditionNotMet"), method="DELETE", path="ifGenerationMatch=")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("k", body, create=True)
    assert faulty.direct.read("k") == b"theirs"


@pytest.mark.parametrize("body", [b"body", BIG], ids=["one request", "resumable"])
def test_an_upload_that_breaks_when_all_patience_is_spent_is_made_again(faulty: Faulty, body: bytes) -> None:
    spent = Patience(attempts=4, first=0.01, longest=0.05, seconds=0)
    store = opened(faulty.proxy.port, uuid4().hex, seconds=20, patience=spent)
    faulty.proxy.fault(faults.reset, method="POST" if len(body) < 1000 else "PUT")
    store.write("k", body, create=True)
    assert store.read("k") == body


def test_an_object_that_is_stored_compressed_is_read_as_it_is_stored(bucket: Bucket, gcs_server: GcsServer) -> None:
    prefix, packed = uuid4().hex, gzip.compress(b"text " * 1000)
    blob = bucket.blob(f"{prefix}/k.gz")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/plain")
    store = opened(gcs_server.port, prefix)
    with store.open("k.gz") as stream:
        assert stream.read() == packed
    assert store.read("k.gz") == packed


def test_an_object_that_is_replaced_while_it_is_read_is_noticed(faulty: Faulty) -> None:
    faulty.direct.write("k", BIG)
    faulty.proxy.fault(faults.cut(5_000_000), method="GET", path="alt=media")
    with faulty.store.open("k") as stream:
        stream.read(1)
        faulty.direct.write("k", BIG[::-1])
        with pytest.raises(PreconditionFailed):
            stream.read()


def test_a_missing_bucket_is_not_retried(gcs_server: GcsServer) -> None:
    with pytest.raises(NotFound, match="'there-is-none' does not exist"):
        probe(opened(gcs_server.port, "x", bucket="there-is-none"))
    with pytest.raises(NotFound, match="'there-is-none' does not exist"):
        opened(gcs_server.port, "x", bucket="there-is-none").read("k")


@pytest.mark.parametrize(("code", "what"), [(401, "credentials"), (403, "no permission"), (400, "HTTP 400")])
def test_a_refusal_is_not_retried(faulty: Faulty, code: int, what: str) -> None:
    faulty.proxy.fault(faults.page(code), times=9)
    with pytest.raises(StoreError, match=what):
        faulty.store.stat("k")
    assert len(faulty.proxy.seen) == 1


def test_a_server_that_is_not_there_is_unreachable() -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unreachable, match="cannot be reached"):
        opened(port, "x").stat("k")


def test_conditions_hold(gcs_server: GcsServer) -> None:
    prefix = uuid4().hex
    probe(*(opened(gcs_server.port, prefix, seconds=20) for _ in range(3)))


def test_objects_of_other_programs_are_listed_or_reported(bucket: Bucket, gcs_server: GcsServer) -> None:
    prefix = uuid4().hex
    store = opened(gcs_server.port, prefix)
    for name in ("a//b.mp4", "ok.mp4", "folder/"):
        bucket.blob(f"{prefix}/{name}").upload_from_string(b"1")
    assert {stat.key: bool(stat.problem) for stat in store.list(problems=True)} == {
        "a//b.mp4": False,
        "folder/": True,
        "ok.mp4": False,
    }
    assert store.read("a//b.mp4") == b"1"


def test_a_move_keeps_content_and_metadata_and_never_overwrites(gcs_server: GcsServer) -> None:
    store = opened(gcs_server.port, uuid4().hex, seconds=20)
    store.write("a", BIG, metadata={"digest": "sha256:1"})
    store.write("taken", b"theirs")
    store.move("a", "b")
    assert (store.read("b"), store.stat("b").metadata) == (BIG, {"digest": "sha256:1"})
    with pytest.raises(NotFound):
        store.stat("a")
    with pytest.raises(PreconditionFailed):
        store.move("b", "taken")
    assert store.read("taken") == b"theirs"


def test_a_move_whose_answer_was_lost_counts_only_if_the_object_is_the_copy(faulty: Faulty) -> None:
    def taken_meanwhile(handler: faults.Handler, body: bytes) -> None:
        faulty.direct.write("c", b"theirs")
        faults.reset(handler, body)

    refused = faults.status(412, "conditionNotMet")  # fake-gcs-server ignores conditions on copies
    faulty.direct.write("a", b"ours")
    faulty.proxy.fault(faults.lost, path="rewriteTo")
    faulty.proxy.fault(refused, path="rewriteTo")
    faulty.store.move("a", "b")
    assert faulty.direct.read("b") == b"ours"
    faulty.proxy.fault(taken_meanwhile, path="rewriteTo")
    faulty.proxy.fault(refused, path="rewriteTo")
    with pytest.raises(PreconditionFailed):
        faulty.store.move("b", "c")
    assert (faulty.direct.read("b"), faulty.direct.read("c")) == (b"ours", b"theirs")


@pytest.mark.parametrize("key", ["/path/to/key.json", "{}", json.dumps({"type": "service_account"}), "[1]"])
def test_an_invalid_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(StoreError, match="is not the key of a service account") as error:
        GoogleStore("b", "", connection=Connection(), env={"GOOGLE_SERVICE_ACCOUNT_KEY": key})
    assert key not in str(error.value)
