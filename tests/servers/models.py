"""Starts `model_server.py` for a block, and reads what it was asked."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.processes import running

PROGRAM = Path(__file__).with_name("model_server.py")
MODEL = "looker"


@dataclass(frozen=True)
class Models:
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def log(self) -> list[dict[str, Any]]:
        """All requests for an answer so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log") as response:
            found: list[dict[str, Any]] = json.load(response)
        return found

    def prompts(self) -> list[str]:
        return [request["prompt"] for request in self.log()]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Models]:
    """A server process until the block ends."""

    def command(ports: list[int]) -> list[str]:
        return [sys.executable, "-S", str(PROGRAM), str(ports[0]), *arguments]

    with running(command, 1, folder, "/log", {}) as (port,):
        yield Models(port)
