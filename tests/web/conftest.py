"""A browser and a served page, once for all tests beside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.unavailable import Unavailable
from dashboard.places import hostile
from e2e.workshop import Workshop
from web.browser import browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium. Skips with the reason where there is none; REELMILL_REQUIRE=web makes that a failure.

    It ends with the module: until then, its client runs an event loop in this thread, and there can be no other.
    """
    try:
        with browser() as found:
            yield found
    except Unavailable as problem:
        required = os.environ.get("REELMILL_REQUIRE", "").split(",")
        (pytest.fail if "web" in required else pytest.skip)(str(problem))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def address(shop: Workshop, chromium: object) -> Iterator[str]:
    """The address of `reelmill dashboard` over that store, as a person starts it."""
    command = [Path(sys.executable).with_name("reelmill"), "dashboard", "--store", shop.folder / "store", "--port", "0"]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        yield process.stderr.readline().strip().rstrip("/")
        process.terminate()
        assert process.wait(120) == 0


@pytest.fixture
def tab(chromium: Any, address: str) -> Iterator[Any]:
    """A fresh tab; whatever the page says in the console, or loads from elsewhere, fails the test."""
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)
    found = context.new_page()
    said: list[str] = []
    found.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    found.on("request", lambda request: said.append(request.url) if not request.url.startswith(address) else None)
    yield found
    context.close()
    assert said == []
