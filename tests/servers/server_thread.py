"""A socket server of the standard library that serves in a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

POLL_SECONDS = 0.02
"""How often a server looks whether it should stop: with the default of half a second, each test waits that long."""


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve while the block lasts, then close the server and wait for its thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
