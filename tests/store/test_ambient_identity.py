"""Where no keys are set, the identity of the machine or pod signs requests, on real servers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reelmill.contract.errors import StoreError, TransientError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers.processes import Server, free_ports
from servers.s3_servers import make_bucket
from servers.server_thread import serving

pytestmark = pytest.mark.store
CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"


@contextmanager
def container_credentials(server: Server, lifetime: timedelta) -> Iterator[tuple[str, list[str]]]:
    """An agent as pods have it: its address, and what was asked of it."""
    asked: list[str] = []

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            expires = (datetime.now(UTC) + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
            told = {"AccessKeyId": server.key, "SecretAccessKey": server.secret, "Token": "", "Expiration": expires}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            pass

    agent = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    with serving(agent):
        yield f"http://127.0.0.1:{agent.server_port}/identity", asked


@pytest.fixture
def ref(s3_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StoreRef:
    """A bucket; this machine's own identities are out of sight."""
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", CONTAINER, "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return StoreRef(uri=f"s3://{make_bucket(s3_server)}/data", connection=Connection(endpoint=s3_server.endpoint))


def test_a_pods_identity_signs_requests(ref: StoreRef, s3_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with container_credentials(s3_server, timedelta(hours=1)) as (address, asked):
        monkeypatch.setenv(CONTAINER, address)
        store = open_store(ref, env={})
        store.write("a", b"1", create=True)
        assert (store.read("a"), asked) == (b"1", ["/identity"])


def test_an_identity_that_expires_is_fetched_again(
    ref: StoreRef, s3_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with container_credentials(s3_server, timedelta(seconds=-1)) as (address, asked):
        monkeypatch.setenv(CONTAINER, address)
        store = open_store(ref, env={})
        store.write("a", b"1", create=True)
        assert store.read("a") == b"1"
    assert len(asked) > 1


def test_a_credentials_file_comes_first(
    ref: StoreRef, s3_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {s3_server.key}\naws_secret_access_key = {s3_server.secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    store = open_store(ref, env={})
    store.write("a", b"1", create=True)
    assert store.read("a") == b"1"


def test_an_identity_that_cannot_be_fetched_now_is_worth_another_try(
    ref: StoreRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv(CONTAINER, f"http://127.0.0.1:{port}/identity")
    with pytest.raises(TransientError, match="cannot fetch the pod's credentials"):
        open_store(ref, env={}).read("a")


def test_an_identity_that_is_refused_names_the_way_out(
    ref: StoreRef, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CONTAINER, "http://example.invalid/identity")  # not a loopback address: refused unasked
    with pytest.raises(StoreError) as raised:
        open_store(ref, env={}).read("a")
    assert "AWS_ACCESS_KEY_ID" in raised.value.hint
