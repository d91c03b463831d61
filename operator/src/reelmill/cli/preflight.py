"""Whether the servers that a command needs answer at all, asked before any work.

Behind this stands a store that is patient, as a shard that has worked for hours wants it. A person who mistyped a port
does not: here a server gets a few seconds to take a connection, and nothing is sent.
"""

import socket
import threading
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from reelmill.contract.errors import StoreError
from reelmill.contract.task import Connection, Task

SECONDS = 5.0
"""For one server, names looked up and connections tried again included."""

AGAIN = 0.3
"""Between two attempts: a server that is just being started gets a chance."""

PATIENCE = 2.0
"""After so many seconds no new attempt begins."""

_PORTS = {"http": 80, "https": 443}


def reach(task: Task, *, sources: bool) -> None:
    """Ask the store's server and, if wanted, those of the sources. Raises StoreError naming one that is not there."""
    asked = [_Question(endpoint) for endpoint in dict.fromkeys(_endpoints(task, sources=sources))]
    deadline = time.monotonic() + SECONDS
    for question in asked:
        question.start()
    for question in asked:
        question.join(max(deadline - time.monotonic(), 0.0))
        if why := question.trouble:
            raise StoreError(
                f"the endpoint cannot be reached: {why}",
                where=question.endpoint,
                hint="check scheme, host and port, the network, and that the server runs",
            )


def _endpoints(task: Task, *, sources: bool) -> Iterable[str]:
    store = task.store.connection
    if task.store.uri.startswith("s3://"):
        yield _endpoint(store)
    for source in task.sources if sources else ():
        if any(isinstance(value, str) and value.startswith("s3://") for value in source.params.values()):
            yield _endpoint(source.connection or store)


def _endpoint(connection: Connection) -> str:
    if connection.endpoint:
        return connection.endpoint
    region = f".{connection.region}" if connection.region else ""
    return f"https://s3{region}.amazonaws.com{'.cn' if region.startswith('.cn-') else ''}"


class _Question(threading.Thread):
    """One server. A thread, because looking up a name cannot be interrupted."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(name=f"reach {endpoint}", daemon=True)
        self.endpoint = endpoint
        self.trouble = f"no answer within {SECONDS:g} s"
        """What is wrong up to now; empty: it answered."""

    def run(self) -> None:
        began = time.monotonic()
        try:
            parts = urlsplit(self.endpoint)
            address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
        except ValueError:
            address = ("", 0)
        if not all(address):
            self.trouble = ""  # no URL of a server: the store says what is wrong with it
            return
        while True:
            try:
                socket.create_connection(address, timeout=SECONDS).close()
            except TimeoutError:
                return
            except socket.gaierror:
                self.trouble = "the host's name is unknown"
            except OSError as error:
                self.trouble = (error.strerror or str(error)).lower()
            else:
                self.trouble = ""
                return
            if time.monotonic() - began > PATIENCE:
                return
            time.sleep(AGAIN)
