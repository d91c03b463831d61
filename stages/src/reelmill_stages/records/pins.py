"""Pinned digests of files that parameters refer to, such as weights or a tokenizer.

If the user gives no digest, the first open step records it. Different content is rejected later, also by each survey,
so a data set is never made with two versions of a file and is not shown as complete after the file changed.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pydantic import BaseModel

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.model import Model
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.spec.file import FileRef
from reelmill.contract.task import StageDef
from reelmill_stages.records.record_files import create, dump, load
from reelmill_stages.store import Store
from reelmill_stages.store.digests import object_digest
from reelmill_stages.store.locations import Locations


class Pin(Model):
    """`pins/<field>.json`: the digest of a file when it was first used."""

    uri: str
    digest: str
    etag: str = ""
    """ETag of the object when its digest was last compared; empty in pins of version 0.1.0."""
    size: int | None = None
    """Size in bytes; None in pins of version 0.1.0."""


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
        where = f"{field}: {ref.uri}"
        if ref.digest is None:
            pin = load(locations.store, names.pin(field), Pin)
            pin = pin or create(locations.store, names.pin(field), _current_pin(locations, ref.uri, where))[0]
            _compare_pin(locations, names.pin(field), pin, where, remember=True)
        elif (found := _current_pin(locations, ref.uri, where).digest) != ref.digest:
            raise SpecError(
                f"the file differs from its digest: it has {found}",
                where=where,
                hint="restore the file, or set its new digest in the pipeline, which runs the stage again",
            )


def check_pins(locations: Locations, stages: Iterable[StageDef], *, remember: bool) -> None:
    """Compare all pinned files of these stages with their current state, by ETag and size, or else by digest.

    This needs no code of a stage. A missing file is not compared: its stage reports it once it has work to do. With
    `remember`, a file with the same digest and another ETag need not be read again. Raises SpecError for a changed
    file.
    """
    for stage in stages:
        prefix = DataSetPaths(stage.name, stage.key).pins
        for stat in locations.store.list(prefix):
            pin = load(locations.store, stat.key, Pin)
            if pin is None:
                continue
            field = stat.key.removeprefix(prefix).removesuffix(".json")
            with suppress(_Missing):
                _compare_pin(locations, stat.key, pin, f"{stage.name}.{field}: {pin.uri}", remember=remember)


def _compare_pin(locations: Locations, key: str, pin: Pin, where: str, *, remember: bool) -> None:
    store, name = locations.of_file(pin.uri)
    try:
        stat = store.stat(name)
    except NotFound as error:
        raise _missing_file(where) from error
    if pin.etag and (pin.etag, pin.size) == (stat.etag, stat.size):
        return
    other = pin.size is not None and pin.size != stat.size
    found = pin if other else _current_pin(locations, pin.uri, where)
    if other or found.digest != pin.digest:
        now = f"{stat.size} bytes instead of {pin.size}" if other else found.digest
        raise SpecError(
            f"the file has changed since this stage started: its digest was {pin.digest}, now it is {now}",
            where=where,
            hint="restore the file; to use the new one, set its digest in the pipeline or give the stage another "
            "`rerun` value, which creates new data and keeps the old",
        )
    if remember:
        locations.store.write(key, dump(found))


def _current_pin(locations: Locations, uri: str, where: str) -> Pin:
    """The current pin of a file."""
    store, key = locations.of_file(uri)
    try:
        stat = store.stat(key)
        digest, _ = object_digest(store, key)
    except NotFound as error:
        raise _missing_file(where) from error
    return Pin(uri=uri, digest=digest, etag=stat.etag, size=stat.size)


class _Missing(SpecError):
    """Raised if the file does not exist."""


def _missing_file(where: str) -> _Missing:
    return _Missing("no such file", where=where, hint="correct the address of the file")


def missing_pins(store: Store, names: DataSetPaths, block: BaseModel) -> Iterator[str]:
    """Keys of the pins that the open step makes for a block, and that do not exist."""
    there = {stat.key for stat in store.list(names.pins)}
    keys = (names.pin(field) for field, ref in file_refs(block) if ref.digest is None)
    yield from (key for key in keys if key not in there)


def stored_pins(store: Store, names: DataSetPaths) -> dict[str, dict[str, object]]:
    """Field -> pin, as JSON, of all pinned files of a data set."""
    found: dict[str, dict[str, object]] = {}
    for stat in store.list(names.pins):
        if pin := load(store, stat.key, Pin):
            field = stat.key.removeprefix(names.pins).removesuffix(".json")
            found[field] = pin.model_dump(mode="json", by_alias=True)
    return found


def read_pins(store: Store, names: DataSetPaths, block: BaseModel) -> dict[str, str]:
    """URI -> digest of the files of a block, as pinned by the open step."""
    pins: dict[str, str] = {}
    for field, ref in file_refs(block):
        if ref.digest:
            pins[ref.uri] = ref.digest
        elif pin := load(store, names.pin(field), Pin):
            pins[ref.uri] = pin.digest
    return pins
