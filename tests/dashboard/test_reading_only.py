"""The page reads: no route, method or address writes anything, and none leaves the store."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from dashboard.markup import Markup
from dashboard.places import contents
from e2e.workshop import Workshop

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline

WRITING = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


def crawled(client: TestClient, *, most: int = 400) -> dict[str, int]:
    """Every address that the pages lead to, with the status of its answer."""
    left, seen = ["/"], dict[str, int]()
    while left and len(seen) < most:
        address = left.pop(0)
        if address in seen:
            continue
        answer = client.get(address)
        seen[address] = answer.status_code
        if answer.headers["content-type"].startswith("text/html"):
            left += [link.partition("#")[0] for link in Markup(answer.text).links() if link.startswith("/")]
    return seen


def test_looking_at_everything_changes_no_byte_of_the_store(shop: Workshop, client: TestClient) -> None:
    before = contents(shop.folder)
    seen = crawled(client)
    assert len(seen) > 60, seen
    # The source's own video is not in the store; its frame is not made.
    refused = {address for address, status in seen.items() if status != 200}
    assert all("/stages/captions/items/" in address for address in refused), refused
    assert contents(shop.folder) == before


def test_no_method_but_get_and_head_passes_the_door(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    paths = ["/", *(getattr(route, "path", "/") for route in app.routes)]
    for path in paths:
        for method in WRITING:
            answer = client.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 405, (method, path)
            assert answer.headers["allow"] == "GET, HEAD"


def test_head_has_the_headers_of_get_and_no_body(client: TestClient) -> None:
    for path in ("/", "/api/v1/pipelines", "/pipelines/default/hostile/stages/keep/items/0/files/0"):
        got, told = client.get(path), client.head(path)
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["content-type"] == got.headers["content-type"]
    assert told.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    "path",
    [
        "/pipelines/default/hostile/stages/keep/items/0/files/99",
        "/pipelines/default/hostile/stages/keep/items/0/files/-1",
        "/pipelines/default/hostile/stages/keep/items/99999",
        "/pipelines/default/hostile/stages/keep/items/-1",
        "/pipelines/default/hostile/stages/keep/items/99999999999999999999",
        "/api/v1/pipelines/default/hostile/stages/keep/items/99999999999999999999",
        "/pipelines/default/hostile/stages/nothing",
        "/pipelines/default/nobody",
        "/pipelines/default/hostile/stages/..%2f..%2fetc/items",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404), answer.text
    assert "Traceback" not in answer.text


def test_records_of_reelmill_are_no_files_of_items(shop: Workshop, client: TestClient) -> None:
    item = client.get("/api/v1/pipelines/default/hostile/stages/keep/items/0").json()
    assert item["files"]
    assert not [file for file in item["files"] if "_reelmill" in file["name"]]
    assert (Path(shop.folder) / "store").is_dir()


def test_a_place_beyond_all_losses_is_an_empty_page(client: TestClient) -> None:
    answer = client.get("/api/v1/pipelines/default/hostile/stages/keep/losses?after=99999999999999999999")
    assert (answer.status_code, answer.json()["rows"]) == (200, [])
