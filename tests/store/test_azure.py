"""What the store in Azure makes of a server, or a network, that misbehaves, and of what other programs put there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, TransientError, Unreachable
from reelmill.contract.task import Connection
from reelmill_stages.store.azure.store import AzureStore
from reelmill_stages.store.probe import probe
from reelmill_stages.store.retry import Patience
from servers import faults
from servers.azurite import ACCOUNT, CONTAINER, KEY, Azurite
from servers.faults import FaultProxy, fault_proxy
from servers.processes import free_ports

pytestmark = pytest.mark.store

QUICK = Patience(attempts=4, first=0.01, longest=0.05, seconds=600)
BIG = bytes(range(256)) * 4096 * 20
"""20 MiB: two blocks."""


@dataclass
class Faulty:
    """A store behind a proxy that misbehaves, and the same store without one."""

    store: AzureStore
    hasty: AzureStore
    """The same, which waits a second for an answer."""
    direct: AzureStore
    proxy: FaultProxy


def opened(
    port: int,
    prefix: str,
    *,
    key: str = KEY,
    container: str = CONTAINER,
    seconds: float = 60,
    patience: Patience = QUICK,
) -> AzureStore:
    return AzureStore(
        container,
        prefix,
        connection=Connection(endpoint=f"http://127.0.0.1:{port}/{ACCOUNT}"),
        env={"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": key},
        patience=patience,
        timeouts=(seconds, seconds),
    )


@pytest.fixture
def faulty(azurite_server: Azurite) -> Iterator[Faulty]:
    prefix = uuid4().hex
    with fault_proxy(azurite_server.port) as proxy:
        there = opened(azurite_server.port, prefix)
        yield Faulty(opened(proxy.port, prefix), opened(proxy.port, prefix, seconds=1), there, proxy)


@pytest.fixture
def container(azurite_server: Azurite) -> ContainerClient:
    credential = {"account_name": ACCOUNT, "account_key": KEY}
    return ContainerClient(azurite_server.endpoint, CONTAINER, credential=credential)


PASSING = {
    "500": faults.status(500, "InternalError"),
    "503": faults.status(503, "ServerBusy"),
    "503 page": faults.page(503),
    "429": faults.status(429, "TooManyRequests"),
    "reset": faults.reset,
    "stall": faults.stall(60),
}


@pytest.mark.parametrize("fault", [pytest.param(act, id=name) for name, act in PASSING.items()])
def test_a_fault_that_passes_is_waited_out(faulty: Faulty, tmp_path: Path, fault: Callable) -> None:
    # Only a server that stays silent needs a short timeout, which a busy machine may also exceed.
    store, proxy = faulty.hasty if fault is PASSING["stall"] else faulty.store, faulty.proxy
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


def test_a_fault_that_stays_is_temporary(faulty: Faulty) -> None:
    faulty.proxy.fault(faults.status(503, "ServerBusy"), method="PUT", times=100)
    with pytest.raises(TransientError):
        faulty.store.write("k", b"body")


def test_a_write_whose_answer_was_lost_counts_if_the_blob_is_the_same(faulty: Faulty) -> None:
    faulty.proxy.fault(faults.lost, method="PUT")
    faulty.store.write("k", b"body", create=True, metadata={"a": "1"})
    assert faulty.direct.read("k") == b"body"
    faulty.direct.write("taken", b"theirs", create=True)
    faulty.proxy.fault(faults.lost, method="PUT")
    with pytest.raises(PreconditionFailed):
        faulty.store.write("taken", b"ours", create=True)
    assert faulty.direct.read("taken") == b"theirs"


@pytest.mark.parametrize("body", [b"body", BIG], ids=["one request", "blocks"])
def test_an_upload_that_breaks_when_all_patience_is_spent_is_made_again(faulty: Faulty, body: bytes) -> None:
    spent = Patience(attempts=4, first=0.01, longest=0.05, seconds=0)
    store = opened(faulty.proxy.port, uuid4().hex, seconds=20, patience=spent)
    faulty.proxy.fault(faults.reset, method="PUT")
    store.write("k", body, create=True)
    assert store.read("k") == body


def test_a_body_that_is_cut_is_continued_with_the_same_version(faulty: Faulty, tmp_path: Path) -> None:
    faulty.direct.write("k", BIG)
    faulty.proxy.fault(faults.cut(100_000), method="GET")
    assert faulty.store.read("k") == BIG
    faulty.proxy.fault(faults.cut(100_000), method="GET")
    assert faulty.store.fetch("k", tmp_path).read_bytes() == BIG


def test_a_blob_that_is_replaced_while_it_is_read_is_noticed(faulty: Faulty) -> None:
    faulty.direct.write("k", BIG)
    with faulty.direct.open("k") as stream:
        stream.read(1)
        faulty.direct.write("k", BIG[::-1])
        with pytest.raises(PreconditionFailed):
            stream.read()


@pytest.mark.parametrize(
    ("settings", "error", "what"),
    [
        ({"key": "d3Jvbmcga2V5"}, StoreError, "key or signature is wrong|no permission"),
        ({"container": "there-is-none"}, NotFound, "'there-is-none' does not exist"),
    ],
)
def test_a_wrong_setting_is_not_retried(azurite_server: Azurite, settings: dict, error: type, what: str) -> None:
    with pytest.raises(error, match=what):
        probe(opened(azurite_server.port, "x", **settings))


def test_a_server_that_is_not_there_is_unreachable() -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unreachable, match="cannot be reached"):
        opened(port, "x").stat("k")


def test_conditions_hold(azurite_server: Azurite) -> None:
    prefix = uuid4().hex
    probe(*(opened(azurite_server.port, prefix, seconds=20) for _ in range(3)))


def test_blobs_of_other_programs_are_listed_or_reported(container: ContainerClient, azurite_server: Azurite) -> None:
    prefix = uuid4().hex
    store = opened(azurite_server.port, prefix)
    for name in ("a//b.mp4", "ok.mp4", "folder/"):
        container.upload_blob(f"{prefix}/{name}", b"1")
    container.upload_blob(f"{prefix}/dir", b"", metadata={"hdi_isfolder": "true"})
    told = {stat.key: bool(stat.problem) for stat in store.list(problems=True)}
    assert told == {"a//b.mp4": False, "folder/": True, "ok.mp4": False}
    assert store.read("a//b.mp4") == b"1"


def test_a_move_keeps_content_and_metadata_and_never_overwrites(azurite_server: Azurite) -> None:
    store = opened(azurite_server.port, uuid4().hex, seconds=20)
    store.write("a", BIG, metadata={"digest": "sha256:1"})
    store.write("taken", b"theirs")
    store.move("a", "b")
    assert (store.read("b"), store.stat("b").metadata) == (BIG, {"digest": "sha256:1"})
    with pytest.raises(NotFound):
        store.stat("a")
    with pytest.raises(PreconditionFailed):
        store.move("b", "taken")
    assert store.read("taken") == b"theirs"


def test_a_move_whose_answer_was_lost_counts_only_if_the_blob_is_the_copy(faulty: Faulty) -> None:
    def taken_meanwhile(handler: faults.Handler, body: bytes) -> None:
        faulty.direct.write("c", b"theirs")
        faults.reset(handler, body)

    faulty.direct.write("a", b"ours")
    faulty.proxy.fault(faults.lost, method="PUT")
    faulty.store.move("a", "b")
    assert faulty.direct.read("b") == b"ours"
    faulty.proxy.fault(taken_meanwhile, method="PUT")
    with pytest.raises(PreconditionFailed):
        faulty.store.move("b", "c")
    assert (faulty.direct.read("b"), faulty.direct.read("c")) == (b"ours", b"theirs")
    faulty.direct.write("d", b"other")
    faulty.direct.move("d", "e")

    def copied_meanwhile(handler: faults.Handler, body: bytes) -> None:
        faulty.direct.move("e", "f")
        faults.reset(handler, body)

    faulty.proxy.fault(copied_meanwhile, method="PUT")
    with pytest.raises(PreconditionFailed):
        faulty.store.move("b", "f")
    assert (faulty.direct.read("b"), faulty.direct.read("f")) == (b"ours", b"other")


def test_a_move_of_which_the_answer_to_the_deletion_was_lost_is_done(faulty: Faulty) -> None:
    faulty.direct.write("a", b"ours")
    faulty.proxy.fault(faults.lost, method="DELETE")
    faulty.store.move("a", "b")
    assert [stat.key for stat in faulty.direct.list()] == ["b"]


def test_an_account_must_be_named() -> None:
    with pytest.raises(StoreError, match="AZURE_STORAGE_ACCOUNT is not set") as error:
        AzureStore("c", "", connection=Connection(), env={})
    assert "blob.core.windows.net" in error.value.hint
