"""Checks before any work whether the servers of a task answer, with short timeouts.

The store itself retries for minutes when a server is down, because a shard may have worked for hours. A survey, or a
person who mistyped a port, has nothing to lose. A server that accepts connections and never answers is usually not an
S3 server, or a proxy without one behind it.
"""

from collections.abc import Mapping
from pathlib import Path

from reelmill.contract.errors import ReelmillError, StoreError, Unreachable
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.task import Connection, Task
from reelmill_stages.store import Store
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.open import azure_store, connection_to, is_bucket, split_uri

CONNECT, READ = 5.0, 15.0
"""Seconds for one attempt to connect, and to hear the first byte."""
ATTEMPTS, SECONDS = 3, 5.0
"""Number of attempts, and seconds after which no new one begins: an unused address is reported after 5 s, a server
that does not answer after 15 s."""


def greet(task: Task, env: Mapping[str, str], *, sources: bool = False) -> None:
    """Ask the store's server and, if wanted, those of the sources, each once. A folder must be one, or can be made.

    Any answer will do, so requests are not signed. Raises StoreError with the endpoint of a server that does not
    answer, or with the path of what is no folder.
    """
    root, key = split_uri(task.store.uri)
    if not is_bucket(task.store.uri):
        _refuse_no_folder(Path(root, key), task.store.uri)
    asked = {(task.store.uri, task.store.connection)}
    for source in task.sources if sources else ():
        uris = [uri for uri in source.params.values() if isinstance(uri, str) and is_bucket(uri)]
        asked |= {(uri, connection_to(uri, source.connection, task.store)) for uri in uris[:1]}
    buckets = [(uri, connection) for uri, connection in asked if is_bucket(uri)]
    servers = {(uri.partition("://")[0], connection): uri for uri, connection in buckets}
    for (_, connection), uri in servers.items():
        _ask(uri, connection, env)


def _refuse_no_folder(folder: Path, uri: str) -> None:
    """Raises StoreError where the nearest thing that exists is no folder."""
    for place in (folder, *folder.parents):
        with mapped(place):
            if place.is_dir():
                return
            if place.is_symlink() and not place.exists():
                raise StoreError(
                    f"{place} is a link to {place.readlink()}, which does not exist",
                    where=uri,
                    hint="make that folder, or name another one",
                )
            # Another run may have made the folder meanwhile.
            if place.exists() and not place.is_dir():
                what = "the store" if place == folder else str(place)
                raise StoreError(f"{what} is a file, not a folder", where=uri, hint="name a folder or a bucket")


def _ask(uri: str, connection: Connection, env: Mapping[str, str]) -> None:
    store = _s3(uri, connection, env) if uri.startswith("s3://") else _azure(uri, connection, env)
    try:
        store.stat(f"{INTERNAL}/store.json")
    except Unreachable as error:
        raise StoreError(error.what, where=connection.endpoint or uri, hint=error.hint) from error
    except ReelmillError:
        return  # any answer will do; the first real request reports what it means


def _s3(uri: str, connection: Connection, env: Mapping[str, str]) -> Store:
    from reelmill_stages.store.retry import Patience
    from reelmill_stages.store.s3.http import Timeouts
    from reelmill_stages.store.s3.store import S3Store  # a folder needs no S3 client

    root, key = split_uri(uri)
    prefix = connection.env_prefix
    # Anonymous: looking up credentials can take long, and an unknown server must not see them.
    anonymous = {
        f"{prefix}AWS_NO_SIGN_REQUEST": "true",
        f"{prefix}AWS_CA_BUNDLE": env.get(f"{prefix}AWS_CA_BUNDLE", ""),
    }
    return S3Store(
        root.removeprefix("s3://"),
        key.strip("/"),
        connection=connection,
        env=anonymous,
        uri=uri,
        timeouts=Timeouts(connect=CONNECT, read=READ),
        patience=Patience(attempts=ATTEMPTS, seconds=SECONDS),
    )


def _azure(uri: str, connection: Connection, env: Mapping[str, str]) -> Store:
    from reelmill_stages.store.retry import Patience

    anonymous = {f"{connection.env_prefix}AZURE_STORAGE_ANONYMOUS": "true"}
    account = f"{connection.env_prefix}AZURE_STORAGE_ACCOUNT"
    return azure_store(
        uri,
        *split_uri(uri),
        connection,
        {account: env.get(account, ""), **anonymous},
        patience=Patience(attempts=ATTEMPTS, seconds=SECONDS),
        timeouts=(CONNECT, READ),
    )
