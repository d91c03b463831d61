"""Replacement of a damaged object by a file that was made again."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError
from reelmill.contract.records.segment import Object
from reelmill_stages.store import Store
from reelmill_stages.store.digests import object_digest


class NotRepaired(Exception):
    """Raised if an object cannot be made again; the message gives the reason."""


def put_back(store: Store, wanted: Object, path: Path, mark: Mapping[str, str], aside: str) -> bool:
    """Put a file with the committed digest in place.

    Returns whether another object was moved to the trash folder `aside`. `mark` is the file's metadata. Raises
    NotRepaired.
    """
    try:
        with suppress(NotFound):
            if object_digest(store, wanted.key)[0] == wanted.digest:
                return False  # restored by someone else in the meantime
        try:
            store.move(wanted.key, f"{aside}/{wanted.key}")
            moved = True
        except NotFound:
            moved = False
        store.write(wanted.key, path, create=True, metadata=mark)
    except PreconditionFailed as error:
        raise NotRepaired(f"another process wrote it meanwhile: {error}") from error
    except StoreError as error:
        raise NotRepaired(str(error)) from error
    return moved
