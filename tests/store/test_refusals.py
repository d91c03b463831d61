"""What an S3 server refuses, and what is no S3 server, is told apart: keys, rights, certificates, conditions."""

import ssl
from pathlib import Path

import pytest

from reelmill.contract.errors import (
    NotFound,
    StoreError,
    StoreUnsafe,
    Unreachable,
)
from reelmill.contract.task import Connection
from reelmill_stages.store.probe import probe
from reelmill_stages.store.s3.store import S3Store
from servers import faults
from servers.certificate import self_signed
from servers.processes import Server, free_ports

pytestmark = pytest.mark.store


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
