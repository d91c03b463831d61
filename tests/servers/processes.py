"""Starts a server on loopback and waits until it answers."""

import http.client
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CHANCE = random.SystemRandom()  # a test may have seeded the other
BELOW_EPHEMERAL = range(20_000, 30_000)
"""Ports below those that Linux and macOS give to connections."""
LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True)
class Server:
    """A running S3 server: where it is, and two pairs of keys: the owner's and one that may only read."""

    name: str
    port: int
    key: str
    secret: str
    reader: dict[str, str]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on just now. The system gives none of them to a connection or to who asks for any."""
    found: list[int] = []
    while len(found) < count:
        port = _CHANCE.choice(BELOW_EPHEMERAL)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found


@contextmanager
def running(
    command: Callable[[list[int]], list[str]], ports: int, folder: Path, ready: str, env: dict[str, str]
) -> Iterator[list[int]]:
    """Run a server on free ports until the block ends; the first port must answer `ready` with a status below 500.

    Should somebody else take a port in between, it is tried anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(3):
        taken = free_ports(ports)
        log = folder / f"server-{attempt}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-S", str(LEASH), *command(taken)],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=folder,
            )
        with process:
            try:
                if _answers(taken[0], ready, process):
                    yield taken
                    return
            finally:
                process.stdin.close()  # type: ignore[union-attr]
                process.wait(timeout=120)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def _answers(port: int, path: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    return False
