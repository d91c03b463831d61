"""What a source makes of web servers: faults, lengths, redirects, private addresses, and waiting."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reelmill.contract.errors import (
    NotFound,
    ReelmillError,
    ServerRefused,
    SpecError,
    StoreError,
    TransientError,
    Unreachable,
)
from reelmill.contract.task import Connection
from reelmill_stages.store.open import open_location, open_store
from servers import faults
from servers.processes import free_ports
from servers.web_server import WebServer
from store.web_site import BODY, Site

pytestmark = pytest.mark.store


def test_a_file_is_read_whole_and_by_ranges(site: Site, tmp_path: Path) -> None:
    stat = site.store.stat("k")
    assert (stat.size, site.store.read("k", if_match=stat.etag)) == (len(BODY), BODY)
    assert site.store.read("k", start=10, length=20, if_match=stat.etag) == BODY[10:30]
    assert site.store.read("k", start=len(BODY), length=5) == b""
    assert site.store.fetch("k", tmp_path, if_match=stat.etag).read_bytes() == BODY
    with site.store.open("k") as stream:
        assert stream.read(5) == BODY[:5]
    for asked in (site.store.stat, site.store.read):
        with pytest.raises(NotFound) as error:
            asked("not there")
        assert error.value.__cause__ is not error.value, "whoever follows the causes comes to an end"


def test_a_name_is_sent_as_it_is_written(site: Site) -> None:
    (site.path.parent / "a ü%.mp4").write_bytes(b"1")
    assert site.store.read("a ü%25.mp4") == site.store.read("a%20%C3%BC%25.mp4") == b"1"


def test_one_request_after_the_other_uses_one_connection(site: Site) -> None:
    clients = set()

    def noted(handler: faults.Handler, body: bytes) -> None:
        clients.add(handler.client_address)
        handler.answer(*handler.forward(body))

    site.proxy.fault(noted, times=6)
    for _ in range(3):
        site.store.stat("k")
        site.store.read("k")
    assert len(clients) == 1


def test_an_empty_file_is_a_file(site: Site, tmp_path: Path) -> None:
    site.path.write_bytes(b"")
    stat = site.store.stat("k")
    assert (stat.size, site.store.read("k", if_match=stat.etag)) == (0, b"")
    site.proxy.fault(faults.status(405, "MethodNotAllowed"), method="HEAD")
    assert site.store.stat("k").size == 0


def without_length(handler: faults.Handler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()


@pytest.mark.parametrize("answer", [faults.status(405, ""), faults.status(403, ""), without_length])
def test_a_server_without_head_tells_the_size_with_a_range(site: Site, answer: Callable) -> None:
    wanted = site.store.stat("k")
    site.proxy.fault(answer, method="HEAD")
    assert site.store.stat("k") == wanted


PASSING = {
    "500": faults.status(500, "InternalError"),
    "503": faults.page(503),
    "429": faults.page(429),
    "reset": faults.reset,
    "stall": faults.stall(60),
}


@pytest.mark.parametrize("fault", [pytest.param(act, id=name) for name, act in PASSING.items()])
def test_a_fault_that_passes_is_waited_out(site: Site, fault: Callable) -> None:
    # Only a server that stays silent needs a short timeout, which a busy machine may also exceed.
    store = site.opened(timeout=1 if fault is PASSING["stall"] else 60)
    site.proxy.fault(fault, method="HEAD")
    stat = store.stat("k")
    site.proxy.fault(fault, method="GET")
    assert store.read("k", if_match=stat.etag) == BODY


def test_a_fault_that_stays_is_temporary(site: Site) -> None:
    site.proxy.fault(faults.page(503), times=100)
    with pytest.raises(TransientError, match="HTTP 503"):
        site.store.stat("k")


@pytest.mark.parametrize(
    ("code", "error", "what"),
    [
        (404, NotFound, "no such"),
        (403, StoreError, "permit"),
        (401, StoreError, "permit"),
        (418, StoreError, "HTTP 418"),
    ],
)
def test_other_error_responses_are_not_retried(site: Site, code: int, error: type, what: str) -> None:
    site.proxy.fault(faults.page(code), times=2)
    with pytest.raises(error, match=what):
        site.store.stat("k")
    assert len(site.proxy.seen) <= 2


def test_a_server_that_is_not_there_is_unreachable(site: Site) -> None:
    (port,) = free_ports(1)
    gone = f"http://127.0.0.1:{port}"
    with pytest.raises(Unreachable):
        site.opened(gone, private_servers=(gone,)).stat("k")


def test_a_part_without_its_place_does_not_tell_the_size(site: Site) -> None:
    site.proxy.fault(faults.status(405, ""), method="HEAD")
    site.proxy.fault(faults.headers(content_range=None), method="GET")
    with pytest.raises(ServerRefused, match="does not announce the size"):
        site.store.stat("k")


def test_018_f04_a_body_that_is_longer_than_it_said_is_cut_and_fails(site: Site, tmp_path: Path) -> None:
    etag = site.store.stat("k").etag
    site.proxy.fault(faults.longer(b"x" * 1000), method="GET", times=9)
    with pytest.raises(ServerRefused, match=f"more than the {len(BODY)} bytes") as error:
        site.store.fetch("k", tmp_path, if_match=etag)
    assert error.value.reason == "wrong_length"
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_a_length_that_differs_from_the_listed_one_fails_before_a_byte_is_read(site: Site, tmp_path: Path) -> None:
    size, tag = site.store.stat("k").etag.split(" ")
    site.proxy.sent = 0
    with pytest.raises(ServerRefused) as error:
        site.store.fetch("k", tmp_path, if_match=f"{int(size) - 1} {tag}")
    assert error.value.reason == "wrong_length"


def endless(handler: faults.Handler, body: bytes) -> None:
    del handler.headers["Range"]
    faults.longer(b"x")(handler, body)


def test_a_file_whose_length_nobody_says_is_refused_when_it_is_listed(site: Site) -> None:
    site.proxy.fault(faults.status(405, ""), method="HEAD")
    site.proxy.fault(endless, method="GET")
    with pytest.raises(ServerRefused, match="does not announce the size"):
        site.store.stat("k")


def test_what_has_no_length_cannot_be_continued(site: Site) -> None:
    def broken(handler: faults.Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("ETag", '"1"')
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{2 * len(BODY):x}\r\n".encode() + 2 * BODY + b"\r\n")
        handler.wfile.flush()
        handler.close_connection = True

    site.proxy.fault(broken, method="GET")
    with pytest.raises(TransientError, match="broke"):
        site.store.read("k")


def test_a_list_without_a_length_is_read(site: Site) -> None:
    site.proxy.fault(faults.longer(b""), method="GET")
    assert site.store.read("k") == BODY


REFUSED = {
    "another host": ("http://example.org/k", "another server, http://example.org"),
    "another port": ("http://127.0.0.1:1/k", "another server, http://127.0.0.1:1"),
    "a file": ("file:///etc/passwd", "a file: address"),
    "ftp": ("ftp://127.0.0.1/k", "a ftp: address"),
    "user": ("http://user:secret@example.org/k", "cannot be used"),
    "backslash": ("http://example.org\\@127.0.0.1/k", "another server|cannot be used"),
    "brackets": ("http://[::1/k", "cannot be used"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_018_f03_a_redirect_that_leads_elsewhere_is_refused_and_named(site: Site, name: str) -> None:
    to, what = REFUSED[name]
    site.proxy.fault(faults.redirect(to), times=2)
    with pytest.raises(ServerRefused, match=what) as error:
        site.store.stat("k")
    assert error.value.reason == "redirect"
    assert "secret" not in str(error.value)


def test_a_redirect_on_the_server_or_to_an_allowed_host_is_followed(site: Site, web_server: WebServer) -> None:
    site.proxy.fault(faults.redirect("/k", 308), times=1, path="/old")
    assert site.store.read("old") == BODY
    site.proxy.fault(faults.redirect(f"{web_server.url}/k"), times=9, path="/moved")
    allowed = site.opened(allowed_hosts=("127.0.0.*",), private_servers=(site.url, web_server.url))
    stat = allowed.stat("moved")
    before = len(site.proxy.seen)
    assert [allowed.read("moved", start=at, length=4, if_match=stat.etag) for at in (0, 8)] == [BODY[:4], BODY[8:12]]
    assert len(site.proxy.seen) == before, "a redirect is remembered for some time"


def test_a_redirect_that_does_not_end_is_refused(site: Site) -> None:
    site.proxy.fault(faults.redirect("/k"), times=99)
    with pytest.raises(ServerRefused, match="more than 5 times"):
        site.store.stat("k")


def test_an_allowed_host_must_still_have_a_public_address(site: Site, web_server: WebServer) -> None:
    site.proxy.fault(faults.redirect(f"{web_server.url}/k"), times=9)
    with pytest.raises(ServerRefused, match=r"127\.0\.0\.1, which is loopback") as error:
        site.opened(allowed_hosts=("127.0.0.1",)).stat("k")
    assert error.value.reason == "private_address"


def test_clients_of_one_server_share_its_turns(site: Site) -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def counted(handler: faults.Handler, body: bytes) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        answer = handler.forward(body)
        with lock:
            running[0] -= 1
        handler.answer(*answer)

    site.proxy.fault(counted, times=99)
    stores = [site.opened(parallel=2) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert {stat.size for stat in pool.map(lambda store: store.stat("k"), stores)} == {len(BODY)}
    assert most[0] <= 2


def test_018_f05_a_server_is_left_alone_for_as_long_as_it_asks(site: Site) -> None:
    site.proxy.fault(faults.later("1"), times=1)
    assert site.store.stat("k").size == len(BODY)
    site.proxy.fault(faults.later("500"), times=1)
    before = len(site.proxy.seen)
    with pytest.raises(TransientError, match=r"wait for \d+ s"):
        site.store.stat("k")
    with pytest.raises(TransientError, match=r"wait for \d+ s"):
        site.opened().stat("k")
    assert len(site.proxy.seen) == before + 1


def test_a_web_server_is_no_store_and_has_no_listing(site: Site) -> None:
    with pytest.raises(SpecError, match="not a store"):
        open_store(f"{site.url}/data")
    source = open_location(f"{site.url}/k", Connection(), {})
    with pytest.raises(SpecError, match="no listing"):
        list(source.list(""))
    with pytest.raises(ReelmillError, match="read-only"):
        source.write("x", b"")
