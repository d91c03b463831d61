"""What the S3 store makes of a server, or a network, that misbehaves."""

import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from reelmill.contract.errors import (
    NotFound,
    PreconditionFailed,
    StoreError,
    StoreUnsafe,
    TransientError,
    Unreachable,
)
from reelmill.contract.task import Connection
from reelmill_stages.store.probe import probe
from reelmill_stages.store.s3.http import Timeouts
from reelmill_stages.store.s3.store import S3Store
from servers import faults
from servers.certificate import self_signed
from servers.processes import Server, free_ports

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
    "stall": faults.stall(60),
}


@pytest.mark.parametrize("fault", [pytest.param(act, id=name) for name, act in PASSING.items()])
def test_a_fault_that_passes_is_waited_out(faulty, tmp_path: Path, fault: Callable) -> None:
    store, proxy = faulty.open(timeouts=Timeouts(connect=1, read=1)), faulty.proxy
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


def test_a_server_that_is_not_s3_is_named(faulty) -> None:
    faulty.proxy.fault(faults.page(404))
    with pytest.raises(StoreError, match="not from an S3 server") as error:
        faulty.store.read("k")
    assert "endpoint" in error.value.hint


def test_a_store_that_ignores_conditions_is_refused(s3_server: Server, faulty) -> None:
    fault = faults.without_conditions(s3_server.key, s3_server.secret)
    faulty.proxy.fault(fault, method="PUT", times=10_000)
    with pytest.raises(StoreUnsafe) as error:
        probe(faulty.store, faulty.open())
    assert "conditional writes" in error.value.hint
    assert list(faulty.direct.list()) == []


def test_a_store_that_knows_no_conditions_is_refused(faulty) -> None:
    faulty.proxy.fault(faults.status(501, "NotImplemented"), method="PUT", times=99)
    with pytest.raises(StoreUnsafe):
        probe(faulty.store)


REFUSED = {
    "secret": ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "secret key is wrong"),
    "key": ({"AWS_ACCESS_KEY_ID": "nobody"}, "access key is unknown"),
    "nobody": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_NO_SIGN_REQUEST": "true"}, "no permission"),
}


@pytest.mark.parametrize(("env", "message"), REFUSED.values(), ids=REFUSED)
def test_wrong_keys_are_told_apart(s3_server: Server, faulty, env: dict[str, str], message: str) -> None:
    store = faulty.open(env={**s3_server.env, **env})
    acts = (lambda: store.read("k"), lambda: store.stat("k"), lambda: list(store.list()), lambda: store.write("k", b""))
    for act in (*acts, lambda: store.delete("k"), lambda: probe(store)):
        with pytest.raises(StoreError, match=message) as error:
            act()
        assert "127.0.0.1" in error.value.where
        assert error.value.hint


def test_a_read_only_user_can_read_and_gets_an_error_for_a_write(s3_server: Server, faulty) -> None:
    faulty.direct.write("k", b"body")
    store = faulty.open(env=s3_server.reader)
    assert store.read("k") == b"body"
    for act in (lambda: store.write("k", b""), lambda: store.delete("k"), lambda: probe(store)):
        with pytest.raises(StoreError, match="no permission"):
            act()


def test_a_missing_bucket_is_named(s3_server: Server) -> None:
    store = S3Store("no-such-bucket", "", connection=Connection(endpoint=s3_server.endpoint), env=s3_server.env)
    for act in (
        lambda: store.read("k"),
        lambda: list(store.list()),
        lambda: store.write("k", b""),
        lambda: probe(store),
    ):
        with pytest.raises(NotFound, match="bucket 'no-such-bucket' does not exist"):
            act()


def test_an_endpoint_that_is_down_is_transient_for_a_shard_and_refused_by_the_probe(faulty) -> None:
    (port,) = free_ports(1)
    store = faulty.open(port)
    with pytest.raises(Unreachable, match="cannot be reached"):
        store.read("k")
    with pytest.raises(StoreError, match="cannot be reached") as error:
        probe(store)
    assert str(port) in error.value.where


def test_a_request_over_a_stalled_connection_ends_in_time(faulty) -> None:
    faulty.proxy.fault(faults.stall(3600), times=99)
    with pytest.raises(TransientError, match="in time"):
        faulty.open(timeouts=Timeouts(connect=0.2, read=0.2)).read("k")


def test_tls_needs_the_authority_and_takes_it_from_the_bundle(minio_server: Server, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with faults.fault_proxy(minio_server.port, context) as proxy:

        def read(env: dict[str, str], scheme: str = "https", *, ca: bool = False) -> bytes:
            connection = Connection(endpoint=f"{scheme}://127.0.0.1:{proxy.port}", ca=ca)
            return S3Store("bucket", "", connection=connection, env={**minio_server.env, **env}).read("k")

        with pytest.raises(StoreError, match="not trusted") as error:
            read({})
        assert "AWS_CA_BUNDLE" in error.value.hint
        with pytest.raises(NotFound, match="bucket"):
            read({"AWS_CA_BUNDLE": str(certificate)}, ca=True)
        with pytest.raises(StoreError, match="does not exist"):
            read({"AWS_CA_BUNDLE": "/no/such/file"})
        with pytest.raises(StoreError, match="cannot be read"):
            read({"AWS_CA_BUNDLE": __file__})
        with pytest.raises(StoreError, match="is not set"):
            read({}, ca=True)
    connection = Connection(endpoint=f"https://127.0.0.1:{minio_server.port}")
    store = S3Store("bucket", "", connection=connection, env=minio_server.env)
    with pytest.raises(StoreError, match="does not use TLS"):
        store.read("k")


def test_an_old_version_is_read_by_its_id(s3_server: Server, bucket: str, tmp_path: Path) -> None:
    client = Minio(
        endpoint=f"127.0.0.1:{s3_server.port}", access_key=s3_server.key, secret_key=s3_server.secret, secure=False
    )
    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
    store = S3Store(bucket, "", connection=Connection(endpoint=s3_server.endpoint), env=s3_server.env)
    first = store.write("k", b"one")
    second = store.write("k", b"two")
    assert first.version
    assert store.stat("k").version == second.version
    assert store.read("k", version=first.version, if_match=first.etag) == b"one"
    assert store.fetch("k", tmp_path, version=first.version).read_bytes() == b"one"
    with store.open("k", version=first.version) as file:
        assert file.read() == b"one"
    with pytest.raises(PreconditionFailed):
        store.read("k", version=second.version, if_match=first.etag)
    store.delete("k")
    with pytest.raises(NotFound):
        store.read("k")
    assert store.read("k", version=second.version) == b"two"
    assert store.read("k", version=second.version, if_match=second.etag) == b"two"


def test_an_object_whose_content_was_written_again_is_read_without_its_listed_version(
    s3_server: Server, bucket: str, tmp_path: Path
) -> None:
    client = Minio(
        endpoint=f"127.0.0.1:{s3_server.port}", access_key=s3_server.key, secret_key=s3_server.secret, secure=False
    )
    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
    store = S3Store(bucket, "", connection=Connection(endpoint=s3_server.endpoint), env=s3_server.env)
    first = store.write("k", b"one")
    again = store.write("k", b"one")
    assert first.version != again.version
    client.remove_object(bucket_name=bucket, object_name="k", version_id=first.version)
    assert store.read("k", version=first.version, if_match=first.etag) == b"one"
    assert store.fetch("k", tmp_path, version=first.version, if_match=first.etag).read_bytes() == b"one"
    store.write("k", b"two")
    client.remove_object(bucket_name=bucket, object_name="k", version_id=again.version)
    with pytest.raises(PreconditionFailed):
        store.read("k", version=first.version, if_match=first.etag)
