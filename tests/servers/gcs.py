"""fake-gcs-server, an emulator of Google Cloud Storage: a Go program, built into the user's cache by `make prepare`."""

import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from servers.install import go
from servers.processes import running
from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared

VERSION = "1.56.1"
PACKAGE = f"github.com/fsouza/fake-gcs-server@v{VERSION}"
BUCKET = "reelmill-tests"
_BINARY = CACHE / "bin" / f"fake-gcs-server-{VERSION}"


@dataclass(frozen=True)
class GcsServer:
    """A running emulator, and a bucket in it. It knows no credentials."""

    port: int
    bucket: str = BUCKET

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        return {"GOOGLE_STORAGE_ANONYMOUS": "true"}


def find() -> Path:
    """The program. Raises Unavailable."""
    if not _BINARY.exists():
        raise not_prepared("fake-gcs-server", "store")
    return _BINARY


def make() -> None:
    """Build the program. Raises Unavailable."""
    folder = _BINARY.parent / ".build-gcs"
    with locked(_BINARY.parent / ".gcs.lock"):
        if not _BINARY.exists():
            env = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
            output([go(), "install", "-trimpath", "-ldflags=-s -w", PACKAGE], f"go install {PACKAGE}", env=env)
            (folder / "fake-gcs-server").replace(_BINARY)


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsServer]:
    """An emulator with one bucket, which keeps its objects in memory."""
    try:
        program = find()
    except Unavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("gcs")

    def command(ports: list[int]) -> list[str]:
        return [
            str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(ports[0]), "-backend", "memory",
            "-log-level", "error", "-external-url", "",
        ]  # fmt: skip

    with running(command, 1, folder, "/storage/v1/b", {"PATH": os.environ["PATH"], "HOME": str(folder)}) as (port,):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"name": BUCKET})
        connection.request("POST", "/storage/v1/b?project=none", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        connection.close()
        yield GcsServer(port)
