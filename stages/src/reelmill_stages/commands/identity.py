"""The identity of a pipeline file in a store: created by the first run, and found again by later ones."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from reelmill.contract.errors import StoreError, Unreachable
from reelmill.contract.records.claim import Claimant, Identity
from reelmill.contract.records.layout import identity as identity_key
from reelmill.contract.task import Task
from reelmill_stages.records.record_files import create, load
from reelmill_stages.sources.objects.own_store import refuse_own_store
from reelmill_stages.store.open import open_store
from reelmill_stages.store.preflight import check_servers_respond


def identity(task: Task, env: Mapping[str, str], claimant: Claimant, *, make: bool) -> str:
    """The uid of a pipeline file; empty if it never ran in this store and `make` is not set.

    Raises StoreError for a store that cannot be used.
    """
    if make:
        refuse_own_store(task.store, task.sources)
    check_servers_respond(task, env)
    store, key = open_store(task.store, env=env), identity_key(claimant.digest)
    try:
        found = load(store, key, Identity)
        if found is None and make:
            # A concurrent creator can only be another run of the same file.
            found, _ = create(store, key, _new_identity(claimant))
    except Unreachable as error:
        raise StoreError(error.what, where=error.where, hint=error.hint) from error
    return found.uid if found else ""


def _new_identity(claimant: Claimant) -> Identity:
    return Identity(uid=uuid.uuid4().hex, claimant=claimant, created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
