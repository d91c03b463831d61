"""Files that parameters name (weights, a tokenizer): their content is pinned before anything is done with them.

Without a digest of the user's, the first open step writes down what it finds; a later difference is refused, so that
one data set is never made with two tokenizers.
"""

import hashlib
from collections.abc import Iterator

from pydantic import BaseModel

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.layout import DataSetPaths
from reelmill.contract.model import Model
from reelmill.contract.spec.file import FileRef
from reelmill_stages.records.records import create, load
from reelmill_stages.store import Store
from reelmill_stages.store.locations import Locations

_CHUNK = 1 << 20


class Pin(Model):
    """`pins/<field>.json`: what a file was when it was first used."""

    uri: str
    digest: str


def file_refs(block: BaseModel, prefix: str = "") -> Iterator[tuple[str, FileRef]]:
    """The files that a block's fields name, by field (`model.weights` for nested ones)."""
    for name in type(block).model_fields:
        value = getattr(block, name)
        if isinstance(value, FileRef):
            yield prefix + name, value
        elif isinstance(value, BaseModel):
            yield from file_refs(value, f"{prefix}{name}.")


def pin_files(locations: Locations, names: DataSetPaths, block: BaseModel) -> None:
    """Check the files of a block and pin those without a digest. Raises SpecError for a missing or changed one."""
    for field, ref in file_refs(block):
        found = _digest(locations, ref.uri, field)
        wanted = ref.digest or create(locations.store, names.pin(field), Pin(uri=ref.uri, digest=found))[0].digest
        if found != wanted:
            raise SpecError(
                f"the file is not the one that {'the digest names' if ref.digest else 'this stage began with'}",
                where=f"{field}: {ref.uri}",
                hint="restore the file, or give its new digest in the pipeline: the stage is then done again",
            )


def read_pins(store: Store, names: DataSetPaths, block: BaseModel) -> dict[str, str]:
    """Digests by uri of the files that a block names, as the open step pinned them."""
    pins: dict[str, str] = {}
    for field, ref in file_refs(block):
        if ref.digest:
            pins[ref.uri] = ref.digest
        elif pin := load(store, names.pin(field), Pin):
            pins[ref.uri] = pin.digest
    return pins


def _digest(locations: Locations, uri: str, field: str) -> str:
    store, key = locations.of_file(uri)
    digest = hashlib.sha256()
    try:
        with store.open(key) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except NotFound as error:
        raise SpecError("no such file", where=f"{field}: {uri}", hint="give the address of an existing file") from error
    return f"sha256:{digest.hexdigest()}"
