"""Pins the content of files that parameters refer to, such as weights or a tokenizer.

If the user gives no digest, the first open step records it. A different content is rejected later, so that a data set
is never made with two different files.
"""

import hashlib
from collections.abc import Iterator

from pydantic import BaseModel

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.model import Model
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.spec.file import FileRef
from reelmill_stages.records.records import create, load
from reelmill_stages.store import Store
from reelmill_stages.store.locations import Locations

_CHUNK = 1 << 20


class Pin(Model):
    """`pins/<field>.json`: the digest of a file when it was first used."""

    uri: str
    digest: str


def file_refs(block: BaseModel, prefix: str = "") -> Iterator[tuple[str, FileRef]]:
    """(field, file) for all file references in a block; nested fields have the form `model.weights`."""
    for name in type(block).model_fields:
        value = getattr(block, name)
        if isinstance(value, FileRef):
            yield prefix + name, value
        elif isinstance(value, BaseModel):
            yield from file_refs(value, f"{prefix}{name}.")


def pin_files(locations: Locations, names: DataSetPaths, block: BaseModel) -> None:
    """Verify the files of a block, and pin those without a digest. Raises SpecError for missing or changed files."""
    for field, ref in file_refs(block):
        found = _digest(locations, ref.uri, field)
        wanted = ref.digest or create(locations.store, names.pin(field), Pin(uri=ref.uri, digest=found))[0].digest
        if found != wanted:
            raise SpecError(
                f"the file differs from {'its digest' if ref.digest else 'the one with which this stage started'}",
                where=f"{field}: {ref.uri}",
                hint="restore the file, or set its new digest in the pipeline, which runs the stage again",
            )


def read_pins(store: Store, names: DataSetPaths, block: BaseModel) -> dict[str, str]:
    """URI -> digest of the files of a block, as pinned by the open step."""
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
        raise SpecError("no such file", where=f"{field}: {uri}", hint="correct the address of the file") from error
    return f"sha256:{digest.hexdigest()}"
