"""Identities of Google and Azure: what each asks of whom for a token, and that the token signs the requests.

Clients are processes of their own, which read their environment as a pod does. Emulators know no identities, so a proxy
before them lets only requests with the token pass.
"""

import json
import os
import ssl
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from Crypto.PublicKey import RSA

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
from servers import faults
from servers.azurite import ACCOUNT, KEY, Azurite
from servers.certificate import self_signed
from servers.faults import fault_proxy
from servers.gcs import GcsServer
from servers.token_server import TokenServer, token_server

pytestmark = pytest.mark.store

CLIENT = """
import os, sys
from reelmill.contract.errors import ReelmillError
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.store.open import open_store
try:
    store = open_store(StoreRef(uri=sys.argv[1], connection=Connection(endpoint=sys.argv[2])), env=os.environ)
    store.write("a", b"1", create=True)
    print(store.read("a").decode(), [stat.key for stat in store.list()])
except ReelmillError as error:
    sys.exit(f"{type(error).__name__}: {error} ({error.hint})")
"""
OWN = ("AZURE_", "GOOGLE_", "GCE_", "CLOUDSDK_", "IDENTITY_", "MSI_", "NO_GCE")
"""How variables begin that may give this machine an identity of its own."""


class Clients:
    """Processes that write and read an object of a store, with the environment of a pod."""

    def __init__(self, uri: str, endpoint: str, folder: Path, env: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-c", CLIENT, uri, endpoint]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        self._env = {**kept, "HOME": str(folder), **env}

    def run(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command, env={**self._env, **env}, capture_output=True, text=True)

    def must_work(self, **env: str) -> None:
        done = self.run(**env)
        assert (done.returncode, done.stdout) == (0, "1 ['a']\n"), done.stderr


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


@pytest.fixture
def google(gcs_server: GcsServer, tokens: TokenServer, tmp_path: Path) -> Iterator[Clients]:
    """Clients of a bucket that lets only the token pass."""

    def only_with_token(handler: faults.Handler, body: bytes) -> None:
        if handler.headers["Authorization"] == f"Bearer {tokens.token}":
            handler.answer(*handler.forward(body))
        else:
            handler.answer(401, [], b"{}")

    with fault_proxy(gcs_server.port) as proxy:
        proxy.fault(only_with_token, times=1000)
        uri = f"gs://{gcs_server.bucket}/{uuid.uuid4().hex}"
        # No metadata server but the one that a test names.
        env = {"NO_GCE_CHECK": "true", "GCE_METADATA_HOST": "127.0.0.1:1", "GCE_METADATA_IP": "127.0.0.1:1"}
        yield Clients(uri, f"http://127.0.0.1:{proxy.port}", tmp_path, env)


def service_account(tokens: TokenServer, name: str = "tests") -> str:
    """The JSON of a key."""
    return json.dumps({
        "type": "service_account", "client_email": f"{name}@example.org", "private_key_id": "1",
        "private_key": RSA.generate(2048).export_key("PEM", pkcs=8).decode(), "token_uri": f"{tokens.url}/token",
    })  # fmt: skip


def test_the_file_of_a_service_account_signs_requests_to_google(
    google: Clients, tokens: TokenServer, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    file.write_text(service_account(tokens))
    google.must_work(GOOGLE_APPLICATION_CREDENTIALS=str(file))
    asked = {(path, form["grant_type"]) for path, form in tokens.asked}
    assert asked == {("/token", "urn:ietf:params:oauth:grant-type:jwt-bearer")}


def test_the_key_in_the_variable_comes_before_the_file(google: Clients, tokens: TokenServer, tmp_path: Path) -> None:
    google.must_work(
        GOOGLE_SERVICE_ACCOUNT_KEY=service_account(tokens),
        GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "there is none"),
    )
    assert {path for path, _ in tokens.asked} == {"/token"}


def test_a_token_of_another_cluster_is_exchanged_at_google(
    google: Clients, tokens: TokenServer, tmp_path: Path
) -> None:
    """A workload identity federation: the file says where the pod's own token is, and who exchanges it."""
    (tmp_path / "pod-token").write_text("the token of the pod")
    file = tmp_path / "federation.json"
    file.write_text(json.dumps({
        "type": "external_account", "audience": "//iam.googleapis.com/pools/p/providers/k",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": f"{tokens.url}/sts",
        "credential_source": {"file": str(tmp_path / "pod-token")},
    }))  # fmt: skip
    google.must_work(GOOGLE_APPLICATION_CREDENTIALS=str(file))
    assert {(path, form["subject_token"]) for path, form in tokens.asked} == {("/sts", "the token of the pod")}


def test_the_metadata_server_of_the_machine_or_of_the_pods_workload_identity_gives_a_token(
    google: Clients, tokens: TokenServer
) -> None:
    here = tokens.url.removeprefix("http://")
    google.must_work(NO_GCE_CHECK="", GCE_METADATA_HOST=here, GCE_METADATA_IP=here)
    assert any(path.endswith("/service-accounts/default/token") for path, _ in tokens.asked)


def test_an_identity_that_google_does_not_know_is_reported(
    google: Clients, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.refuses = True
    file = tmp_path / "key.json"
    file.write_text(service_account(tokens))
    done = google.run(GOOGLE_APPLICATION_CREDENTIALS=str(file))
    assert done.returncode
    assert "the credentials are rejected: invalid_grant: this identity is unknown (check" in done.stderr


def test_where_nothing_gives_an_identity_the_ways_are_named(google: Clients) -> None:
    done = google.run()
    assert ": no credentials" in done.stderr
    assert "GOOGLE_SERVICE_ACCOUNT_KEY or GOOGLE_APPLICATION_CREDENTIALS" in done.stderr


def signature(*, lifetime: timedelta = timedelta(hours=1), **may: bool) -> str:
    """A shared access signature of Azurite's account."""
    now = datetime.now(UTC)
    return generate_account_sas(
        ACCOUNT,
        KEY,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(**may),
        expiry=now + lifetime,
        start=now - timedelta(hours=2),
    )


ALL = {"read": True, "write": True, "delete": True, "list": True, "create": True}


@pytest.mark.parametrize("mark", ["", "?"])
def test_a_shared_access_signature_signs_requests_to_azure(azurite_server: Azurite, mark: str) -> None:
    ref = StoreRef(
        uri=f"az://{azurite_server.container}/{uuid.uuid4().hex}",
        connection=Connection(endpoint=azurite_server.endpoint),
    )
    store = open_store(ref, env={"AZURE_STORAGE_SAS_TOKEN": mark + signature(**ALL)})
    first = store.write("a", b"1", create=True)
    store.write("a", b"2", if_match=first.etag)
    store.move("a", "b")
    assert (store.read("b"), [stat.key for stat in store.list()]) == (b"2", ["b"])


@pytest.mark.parametrize(
    "token", [signature(read=True, list=True), signature(lifetime=timedelta(hours=-1), **ALL)], ids=["reads", "expired"]
)
def test_a_signature_without_permission_is_reported_and_never_shown(azurite_server: Azurite, token: str) -> None:
    ref = StoreRef(uri=f"az://{azurite_server.container}/x", connection=Connection(endpoint=azurite_server.endpoint))
    with pytest.raises(StoreError, match="no permission") as caught:
        open_store(ref, env={"AZURE_STORAGE_SAS_TOKEN": token}).write("a", b"1", create=True)
    assert token not in f"{caught.value} {caught.value.hint}"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate that clients are told to trust, and a server's context with it."""
    found, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found, key)
    return found, context


@pytest.fixture
def secure_tokens(certificate: tuple[Path, ssl.SSLContext]) -> Iterator[TokenServer]:
    with token_server(certificate[1]) as server:
        yield server


@pytest.fixture
def azure(
    azurite_server: Azurite, certificate: tuple[Path, ssl.SSLContext], secure_tokens: TokenServer, tmp_path: Path
) -> Iterator[Clients]:
    """Clients of a container that lets only the token pass."""
    signed = signature(**ALL)

    def only_with_token(handler: faults.Handler, body: bytes) -> None:
        if handler.headers["Authorization"] == f"Bearer {secure_tokens.token}":
            del handler.headers["Authorization"]
            handler.path += ("&" if "?" in handler.path else "?") + signed
            handler.answer(*handler.forward(body))
        else:
            handler.answer(401, [("WWW-Authenticate", "Bearer")], b"")

    with fault_proxy(azurite_server.port, certificate[1]) as proxy:
        proxy.fault(only_with_token, times=1000)
        uri = f"az://{azurite_server.container}/{uuid.uuid4().hex}"
        env = {"REQUESTS_CA_BUNDLE": str(certificate[0]), "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}
        yield Clients(uri, f"https://127.0.0.1:{proxy.port}/{ACCOUNT}", tmp_path, env)


def workload(tokens: TokenServer, folder: Path) -> dict[str, str]:
    """The variables that Azure's webhook sets in a pod with a workload identity."""
    (folder / "pod-token").write_text("the token of the pod")
    return {
        "AZURE_TENANT_ID": "8b3a0c1e-0000-4000-8000-000000000001",
        "AZURE_CLIENT_ID": "8b3a0c1e-0000-4000-8000-000000000002",
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "pod-token"),
        "AZURE_AUTHORITY_HOST": tokens.url,
    }


def test_a_workload_identity_signs_requests_to_azure(
    azure: Clients, secure_tokens: TokenServer, tmp_path: Path
) -> None:
    env = workload(secure_tokens, tmp_path)
    azure.must_work(**env)
    asked = [(path, form) for path, form in secure_tokens.asked if path.endswith("/oauth2/v2.0/token")]
    assert asked
    for path, form in asked:
        assert env["AZURE_TENANT_ID"] in path
        assert (form["client_id"], form["client_assertion"]) == (env["AZURE_CLIENT_ID"], "the token of the pod")
        assert form["scope"].startswith("https://storage.azure.com/")


def test_the_managed_identity_of_the_machine_signs_requests_to_azure(
    azure: Clients, tokens: TokenServer, secure_tokens: TokenServer
) -> None:
    tokens.token = secure_tokens.token
    azure.must_work(AZURE_POD_IDENTITY_AUTHORITY_HOST=tokens.url)
    assert ("/metadata/identity/oauth2/token", {}) in tokens.asked


def test_an_identity_that_azure_does_not_know_is_reported(
    azure: Clients, secure_tokens: TokenServer, tmp_path: Path
) -> None:
    secure_tokens.refuses = True
    done = azure.run(**workload(secure_tokens, tmp_path))
    assert done.returncode
    assert ": no credentials" in done.stderr


def test_a_signature_comes_before_an_identity(azure: Clients, secure_tokens: TokenServer, tmp_path: Path) -> None:
    azure.run(AZURE_STORAGE_SAS_TOKEN=signature(**ALL), **workload(secure_tokens, tmp_path))
    assert secure_tokens.asked == []
