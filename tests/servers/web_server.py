"""Web servers that serve a folder: uvicorn with Starlette, which gives ETag, Last-Modified and ranges."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers.processes import running

FOLDER = "SERVED_FOLDER"


@dataclass(frozen=True)
class WebServer:
    """A running server, and the folder that it serves."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def app() -> object:
    """What uvicorn calls in the server's process."""
    from starlette.applications import Starlette
    from starlette.staticfiles import StaticFiles

    found = Starlette()
    found.mount("/", StaticFiles(directory=os.environ[FOLDER]))
    return found


@pytest.fixture(scope="session")
def web_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server of an empty folder."""
    yield from _served(tmp_path_factory.mktemp("web"), "--factory", "servers.web_server:app")


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server that speaks as the Hugging Face Hub does, without data sets."""
    yield from _served(tmp_path_factory.mktemp("hub"), "servers.hub_app:app")


def _served(folder: Path, *app: str) -> Iterator[WebServer]:
    served = folder / "served"
    served.mkdir()

    def command(ports: list[int]) -> list[str]:
        return [sys.executable, "-m", "uvicorn", *app, "--port", str(ports[0]), "--log-level", "warning"]

    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), FOLDER: str(served)}
    with running(command, 1, folder, "/", env) as (port,):
        yield WebServer(port, served)
