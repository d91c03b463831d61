"""Whether a server says anything at all, asked with little patience before any work.

The store itself is patient, as a shard that has worked for hours wants it: minutes for a server that is down. A survey
has nothing to lose, and a server that takes connections and stays silent is mostly no S3 server, or a proxy without
one behind it.
"""

from collections.abc import Mapping

from reelmill.contract.errors import ReelmillError, StoreError, Unreachable
from reelmill.contract.layout import INTERNAL
from reelmill.contract.task import Connection
from reelmill_stages.store.open import split_uri

CONNECT, READ = 5.0, 5.0
"""Seconds for one attempt to connect, and to hear the first byte."""
ATTEMPTS = 3
"""So a silent server is reported after about 15 seconds."""


def greet(uri: str, connection: Connection, env: Mapping[str, str]) -> None:
    """Ask the server behind an `s3://` uri anything. Raises StoreError when it gives no answer; any answer will do."""
    root, key = split_uri(uri)
    if not root.startswith("s3://"):
        return
    from reelmill_stages.store.s3.http import Timeouts
    from reelmill_stages.store.s3.retry import Patience
    from reelmill_stages.store.s3.store import S3Store

    store = S3Store(
        root.removeprefix("s3://"),
        key.strip("/"),
        connection=connection,
        env=env,
        uri=uri,
        timeouts=Timeouts(connect=CONNECT, read=READ),
        patience=Patience(attempts=ATTEMPTS),
    )
    try:
        store.stat(f"{INTERNAL}/store.json")
    except Unreachable as error:
        raise StoreError(error.what, where=connection.endpoint or uri, hint=error.hint) from error
    except ReelmillError:
        return  # an answer, if not a kind one: what it means is found out by whoever needs more than an answer
