"""Every request passes the door: names of hosts, and headers of every answer."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.places import page
from e2e.workshop import Workshop
from reelmill_stages.dashboard.web.request_guard import RequestGuard

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline

ANSWER = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
DOOR = TestClient(RequestGuard(ANSWER, allowed_hosts=["reels.example"]), base_url="http://localhost")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "[::1]:8787", "10.0.0.7", "reels.example", "Reels.Example:443"],
)
def test_known_names_and_addresses_are_answered(host: str) -> None:
    assert DOOR.get("/", headers={"host": host}).text == "here"


@pytest.mark.parametrize(
    "host", ["evil.example", "reels.example.evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example"]
)
def test_a_name_that_somebody_else_points_here_is_not(host: str) -> None:
    answer = DOOR.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "--allowed-host" in answer.text


@given(st.from_regex(r"[a-z0-9.-]{1,30}(:[0-9]{1,5})?", fullmatch=True))
def test_no_other_name_is_answered(host: str) -> None:
    name = host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
        known = True
    except ValueError:
        known = name in ("localhost", "reels.example")
    assert (DOOR.get("/", headers={"host": host}).status_code == 200) == known


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/v1/pipelines", "/static/page.css", "/healthz", "/api/openapi.json"]
)
def test_every_answer_forbids_scripts_frames_and_guessing(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_forwarded_headers_of_nobody_are_believed(shop: Workshop, tmp_path: Path) -> None:
    with page(tmp_path, store=str(shop.folder / "store")) as client:
        answer = client.get("/", headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"})
    assert "evil.example" not in answer.text
    assert answer.status_code == 200


def test_behind_a_proxy_every_address_begins_with_its_path(shop: Workshop, tmp_path: Path) -> None:
    with page(tmp_path, store=str(shop.folder / "store"), root_path="/reels") as client:
        text = client.get("/reels/pipelines/default/hostile").text
    assert 'href="/reels/pipelines/default/hostile/stages/clips"' in text
    assert 'href="/pipelines' not in text
    assert 'src="/reels/static/' in text
