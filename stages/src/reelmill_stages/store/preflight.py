"""Checks before any work whether the servers of a task answer, with short timeouts.

The store itself retries for minutes when a server is down, because a shard may have worked for hours. A survey, or a
person who mistyped a port, has nothing to lose. A server that accepts connections and never answers is usually not an
S3 server, or a proxy without one behind it.
"""

from collections.abc import Mapping
from pathlib import Path

from reelmill.contract.errors import ReelmillError, StoreError, Unreachable
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.task import Connection, StoreRef, Task
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.store.open import bucket_store, connection_to, is_bucket, split_uri
from reelmill_stages.store.retry import Patience

CONNECT, READ = 5.0, 15.0
"""Seconds for one attempt to connect, and to hear the first byte."""
ATTEMPTS, SECONDS = 3, 5.0
"""Number of attempts, and seconds after which no new one begins: an unused address is reported after 5 s, a server
that does not answer after 15 s."""

_ANONYMOUS = ("AWS_NO_SIGN_REQUEST", "AZURE_STORAGE_ANONYMOUS", "GOOGLE_STORAGE_ANONYMOUS")
_NO_SECRETS = ("AWS_CA_BUNDLE", "AZURE_STORAGE_ACCOUNT")


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
                    hint="create that folder, or name another one",
                )
            # Another run may have made the folder meanwhile.
            if place.exists() and not place.is_dir():
                what = "the store" if place == folder else str(place)
                raise StoreError(f"{what} is a file, not a folder", where=uri, hint="name a folder or a bucket")


def _ask(uri: str, connection: Connection, env: Mapping[str, str]) -> None:
    ref, patience = StoreRef(uri=uri, connection=connection), Patience(attempts=ATTEMPTS, seconds=SECONDS)
    store = bucket_store(ref, _anonymous(connection.env_prefix, env), timeouts=(CONNECT, READ), patience=patience)
    try:
        store.stat(f"{INTERNAL}/store.json")
    except Unreachable as error:
        raise StoreError(error.what, where=connection.endpoint or uri, hint=error.hint) from error
    except ReelmillError:
        return  # any answer will do; the first real request reports what it means


def _anonymous(prefix: str, env: Mapping[str, str]) -> dict[str, str]:
    """Variables for requests without keys: looking them up can take long, and an unknown server must not see them."""
    kept = {f"{prefix}{name}": env.get(f"{prefix}{name}", "") for name in _NO_SECRETS}
    return {**kept, **{f"{prefix}{name}": "true" for name in _ANONYMOUS}}
