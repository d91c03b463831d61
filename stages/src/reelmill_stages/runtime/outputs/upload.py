"""Upload of outputs: each name is created once, with metadata that identify its owner.

If a name exists and belongs to the same item (from another pod or an earlier run), the existing object is used. If it
belongs to another item, nothing is overwritten and the item fails.
"""

from collections.abc import Mapping
from pathlib import Path

from reelmill.contract.digest import sha256
from reelmill.contract.errors import ItemError, KeyRefused, NotFound, PreconditionFailed
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Output
from reelmill_stages.store import Store
from reelmill_stages.store.digests import file_digest

_LONGEST_ITEM = 256


def item_mark(stage_key: str, segment: int, item: str) -> dict[str, str]:
    """Metadata of an output of one input item; a very long key is replaced by its digest."""
    name = item if len(item.encode()) <= _LONGEST_ITEM else sha256(item.encode())
    return {"stage": stage_key, "segment": f"{segment:04d}", "item": name}


def shard_mark(stage_key: str, segment: int, shard: int) -> dict[str, str]:
    """Metadata of an output with several items of a shard."""
    return {"stage": stage_key, "segment": f"{segment:04d}", "shard": f"{shard:05d}"}


def put_output(store: Store, key: str, path: Path, mark: Mapping[str, str], digest: str = "") -> Output:
    """Upload a finished file, or detect that it was uploaded before.

    Raises ItemError with the reason `name_taken` if the name belongs to another item, and `bad_name` for a name that is
    not valid in the store. For the name of a folder, the reason depends on the store.
    """
    digest = digest or file_digest(path)
    try:
        store.write(key, path, create=True, metadata={**mark, "digest": digest})
    except KeyRefused as error:
        raise ItemError(ItemReason.BAD_NAME, str(error)) from error
    except PreconditionFailed:
        try:
            found = store.stat(key)
        except NotFound as error:
            raise ItemError(
                ItemReason.NAME_TAKEN, f"{key} is the name of a folder, or was deleted meanwhile"
            ) from error
        stored = dict(found.metadata)
        stored_digest = stored.pop("digest", "")
        if stored != dict(mark):
            owner = repr(stored["item"]) if "item" in stored else "something else"
            raise ItemError(ItemReason.NAME_TAKEN, f"{key} belongs to {owner}") from None
        return Output(key, found.size, stored_digest)
    return Output(key, path.stat().st_size, digest)
