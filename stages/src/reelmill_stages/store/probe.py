"""Checks a store before any work: access, writing, and conditional writes.

Commits are conditional writes, so a store that accepts two of them for one key cannot be used. Conditions are tested
once per store; a marker (`_reelmill/store.json`) records that they hold.
"""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, StoreUnsafe, Unreachable
from reelmill.contract.records.layout import INTERNAL
from reelmill.contract.records.record_json import unambiguous_json
from reelmill_stages.store import Store

MARKER = f"{INTERNAL}/store.json"
"""Key of the marker that records that conditions hold in this store."""

_RACERS = 6
_ROUNDS, _ROUNDS_HERE = 3, 1
"""Number of races of each kind, which a server may pass by chance; for a folder, locks of this machine decide them."""
HELD = {"version": 1, "conditional": True}
"""Content of the marker."""


def probe(store: Store, *others: Store) -> None:
    """Check access, writing and conditions; `others` are additional clients of the same store for concurrent writes.

    Raises StoreUnsafe if conditions do not hold, StoreError if the store cannot be used or reached as configured, and
    TransientError for temporary failures.
    """
    try:
        _probe(store, (store, *others))
    except Unreachable as error:
        raise StoreError(error.what, where=error.where, hint=error.hint) from error


def _probe(store: Store, clients: tuple[Store, ...]) -> None:
    if is_marked(store):
        _write_and_delete(store)
        return
    folder = f"{INTERNAL}/probe-{uuid.uuid4().hex}"
    keys = [f"{folder}/{number}" for number in range(_ROUNDS if store.remote else _ROUNDS_HERE)]
    try:
        for key in keys:
            _race_create(clients, key)
            _race_match(clients, key, store.stat(key).etag)
    finally:
        for key in keys:
            store.delete(key)
    # If another object has the key, it stays, and every survey repeats the test.
    with suppress(PreconditionFailed):
        store.write(MARKER, json.dumps(HELD).encode(), create=True)


def is_marked(store: Store) -> bool:
    """Return whether the marker records that conditions hold in this store."""
    # Listing rather than reading distinguishes a missing bucket from a missing marker.
    if all(stat.key != MARKER for stat in store.list(MARKER)):
        return False
    try:
        return bool(unambiguous_json(store.read(MARKER)) == HELD)
    except (NotFound, ValueError, RecursionError):
        return False


def _write_and_delete(store: Store) -> None:
    key = f"{INTERNAL}/probe-{uuid.uuid4().hex}"
    store.write(key, b"")
    store.delete(key)


def _race_create(clients: tuple[Store, ...], key: str) -> None:
    def write(client: Store, body: bytes) -> str:
        return client.write(key, body, create=True).etag

    unsafe = "two writers created one object (the condition that it must not exist is ignored)"
    _one_winner(clients, write, clients[0], key, unsafe)


def _race_match(clients: tuple[Store, ...], key: str, etag: str) -> None:
    def write(client: Store, body: bytes) -> str:
        return client.write(key, body, if_match=etag).etag

    unsafe = "two writers replaced one version of an object (the condition on its version is ignored)"
    _one_winner(clients, write, clients[0], key, unsafe)


def _one_winner(
    clients: tuple[Store, ...], write: Callable[[Store, bytes], str], store: Store, key: str, unsafe: str
) -> None:
    start = Barrier(_RACERS)

    def race(number: int) -> bytes | None:
        body = f"{number} {uuid.uuid4().hex}".encode()
        start.wait()
        try:
            write(clients[number % len(clients)], body)
        except PreconditionFailed:
            return None
        return body

    with ThreadPoolExecutor(_RACERS, thread_name_prefix="probe") as pool:
        try:
            winners = [body for body in pool.map(race, range(_RACERS)) if body is not None]
        except BaseException:
            start.abort()  # the step is stopped before all threads have started: release those that wait
            raise
    if len(winners) != 1 or store.read(key) != winners[0]:
        raise _unsafe(
            store, unsafe if len(winners) > 1 else "the stored object is not that of the successful conditional write"
        )


def _unsafe(store: Store, what: str) -> StoreUnsafe:
    return StoreUnsafe(
        what, where=store.uri, hint="use a store with conditional writes: AWS S3, MinIO, SeaweedFS >= 4, Ceph, a folder"
    )
