"""Checks before any work whether the servers of a task respond, with short timeouts.

A store retries for minutes while a server is down, because a shard may have worked for hours. At the beginning of a
survey, or after a mistyped port, no work can be lost. A server that accepts connections but never responds is usually
not an S3 server, or a proxy without one behind it.
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
"""Seconds for one attempt to connect, and to receive the first byte."""
ATTEMPTS, SECONDS = 3, 5.0
"""Number of attempts, and seconds after which no new one begins.

An unused address is reported after 5 s, a server that does not respond after 15 s.
"""

_ANONYMOUS = ("AWS_NO_SIGN_REQUEST", "AZURE_STORAGE_ANONYMOUS", "GOOGLE_STORAGE_ANONYMOUS")
_NO_SECRETS = ("AWS_CA_BUNDLE", "AZURE_STORAGE_ACCOUNT")


def check_servers_respond(task: Task, env: Mapping[str, str], *, sources: bool = False) -> None:
    """Send a request to the store's server and, with `sources`, to those of the sources, once each.

    A folder must exist or be possible to create. Any response is accepted, so requests are not signed. Raises
    StoreError with the endpoint of a server that does not respond, or with the path of something that is not a folder.
    """
    root, key = split_uri(task.store.uri)
    if not is_bucket(task.store.uri):
        _check_folder(Path(root, key), task.store.uri)
    stores = {(task.store.uri, task.store.connection)}
    for source in task.sources if sources else ():
        uris = [uri for uri in source.params.values() if isinstance(uri, str) and is_bucket(uri)]
        stores |= {(uri, connection_to(uri, source.connection, task.store)) for uri in uris[:1]}
    buckets = [(uri, connection) for uri, connection in stores if is_bucket(uri)]
    servers = {(uri.partition("://")[0], connection): uri for uri, connection in buckets}
    for (_, connection), uri in servers.items():
        _send_request(uri, connection, env)


def _check_folder(folder: Path, uri: str) -> None:
    """Raise StoreError if the nearest existing path is not a folder."""
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
            # Another run may have created the folder meanwhile.
            if place.exists() and not place.is_dir():
                what = "the store" if place == folder else str(place)
                raise StoreError(f"{what} is a file, not a folder", where=uri, hint="name a folder or a bucket")


def _send_request(uri: str, connection: Connection, env: Mapping[str, str]) -> None:
    ref, patience = StoreRef(uri=uri, connection=connection), Patience(attempts=ATTEMPTS, seconds=SECONDS)
    store = bucket_store(
        ref, _anonymous_environment(connection.env_prefix, env), timeouts=(CONNECT, READ), patience=patience
    )
    try:
        store.stat(f"{INTERNAL}/store.json")
    except Unreachable as error:
        raise StoreError(error.what, where=connection.endpoint or uri, hint=error.hint) from error
    except ReelmillError:
        return  # any response is accepted; the first real request reports its meaning


def _anonymous_environment(prefix: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return variables for requests without keys, which take long to look up and must not reach an unknown server."""
    kept = {f"{prefix}{name}": env.get(f"{prefix}{name}", "") for name in _NO_SECRETS}
    return {**kept, **{f"{prefix}{name}": "true" for name in _ANONYMOUS}}
