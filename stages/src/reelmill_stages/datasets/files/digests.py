"""Expected digests of the files in a folder of samples.

An export lists them in a file. In a store, the digest of a view is in its metadata, and those of output files are in
the commits of the data set, whose rows are compared with their own digests when they are read.
"""

from collections.abc import Callable, Iterator
from posixpath import normpath

from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.records.layout import INTERNAL, DataSetPaths
from reelmill.contract.records.segment import StageRecord
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.record_files import load
from reelmill_stages.store import Store
from reelmill_stages.store.damage import RESTORE, VIEW, noted_digest
from reelmill_stages.store.digests import SUMS, read_sum

_EXPORT = "run `reelmill export` again: it replaces the files of its folder that are damaged"


def view_digest(store: Store, folder: str, name: str) -> str:
    """Return the digest of a view; empty if none is recorded, as in a folder that reelmill did not write."""
    try:
        # Views come first in the file, so little of it is read.
        return next((digest for known, digest in _sums(store, folder) if known == name), "")
    except NotFound:
        return noted_digest(store.stat(f"{folder}/{name}"))


def file_digests(store: Store, folder: str, where: str, open_at: Callable[[str], Store]) -> dict[str, str]:
    """Return key in the store -> digest for all files of an export or a data set. Raises SpecError for another folder.

    `where` is the address of the folder in messages; `open_at` opens the pipeline's store, given the key of its root.
    """
    try:
        return {normpath(f"{folder}/{name}"): digest for name, digest in _sums(store, folder)}
    except NotFound:
        pass
    record = load(store, f"{folder}/{INTERNAL}/stage.json", StageRecord)
    root = DataSetPaths(record.stage, record.key).root if record else ""
    if record is None or not folder.endswith(root):
        raise SpecError(
            "the digests of the files in this folder are unknown",
            where=where,
            hint="give an export of this release or the folder of a stage in its store, or set verify=False",
        )
    above = folder.removesuffix(root)
    return dict(_committed(DataSet(open_at(above), DataSetPaths(record.stage, record.key)), above))


def hint(store: Store, folder: str, *, is_view: bool) -> str:
    """Return a sentence on how to restore a damaged file."""
    try:
        store.stat(f"{folder}/{SUMS}")
    except NotFound:
        return VIEW if is_view else RESTORE
    return _EXPORT


def _committed(data: DataSet, above: str) -> Iterator[tuple[str, str]]:
    for segment in data.segments():
        for part in segment.parts:
            yield from ((f"{above}{file.key}", file.digest) for file in data.part_files(part))
            for item in data.part_items(part):
                if item.media and item.media.digest and not item.media.source:
                    yield f"{above}{item.media.uri}", item.media.digest


def _sums(store: Store, folder: str) -> Iterator[tuple[str, str]]:
    with store.open(f"{folder}/{SUMS}") as file:
        for line in file:
            yield read_sum(line.decode())
