"""`lips`: lists the npz files in IIANet's lists, each once; the rows of the lists are kept beside the items."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import basename
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.lips import LipsBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import Found, MediaFolder
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.json_stream import values

SPLITS = ("tr", "cv", "tt")
SPEAKERS = ("s1", "s2")
SUFFIX = ".npz"


@dataclass(slots=True)
class _Crops:
    """A file and its rows in the lists."""

    found: Found
    rows: list[dict[str, Any]] = field(default_factory=list)


def list_items(block: LipsBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per file, with the rows that point at it (`rows`).

    A row has split, speaker, number, wav, samples, and the mixture's wav and samples. An invalid row has its split,
    speaker and number.

    Raises SpecError for a split without lists, and for lists with different numbers of rows.
    """
    return settled(_drafts(block, bucket, source), before)


def _drafts(block: LipsBlock, bucket: Bucket, source: str) -> Iterator[RowDraft]:
    folder = MediaFolder(bucket, block.root)
    known: dict[str, Found | ItemError] = {}
    crops: dict[str, _Crops] = {}
    for split in _splits(block, bucket):
        lists = _lists(f"{absolute(block.lists).rstrip('/')}/{split}", bucket)
        for speaker in SPEAKERS:
            for number, row in enumerate(lists[speaker]):
                digest = row_digest([split, speaker, number, row])
                place = {"split": split, "speaker": speaker, "row": number}
                try:
                    wav, npz, *samples = _row(row)
                    mixture, length = _mixture(lists["mix"][number])
                except ItemError as error:
                    yield refused(digest, error, rows=[place])
                    continue
                if npz not in known:
                    known[npz] = _file_or_error(folder, npz)
                found = known[npz]
                if isinstance(found, ItemError):
                    yield refused(digest, found, npz, [place])
                    continue
                one = crops.setdefault(found[0], _Crops(found))
                row_fields = place | {"wav": wav, "mix": mixture}
                one.rows.append(row_fields | {"samples": samples[0] if samples else length, "mix_samples": length})
    for one in crops.values():
        yield _draft(one, folder.uri, source)


def _draft(crops: _Crops, root: str, source: str) -> RowDraft:
    uri, stat = crops.found
    below = uri.removeprefix(f"{root}/")
    name = below.removesuffix(SUFFIX)
    fields = {"vid": basename(name)}
    media = media_of(uri, stat, source)
    return RowDraft(below, uri, uri, float(stat.size), media, fields, safe_stem(name), rows=crops.rows)


def _splits(block: LipsBlock, bucket: Bucket) -> list[str]:
    """Return the splits to read, in the order tr, cv, tt."""
    root = absolute(block.lists).rstrip("/")
    there = [split for split in SPLITS if bucket.stat(f"{root}/{split}/mix.json") is not None]
    if block.splits:
        return [split for split in SPLITS if split in block.splits]
    if not there:
        raise SpecError(
            "the folder has no splits",
            where=root,
            hint=f"lists are expected in {', '.join(SPLITS)}: {root}/tr/mix.json",
        )
    return there


def _lists(folder: str, bucket: Bucket) -> dict[str, list[Any]]:
    lists = {}
    for name in ("mix", *SPEAKERS):
        uri = f"{folder}/{name}.json"
        lists[name] = list(values(bucket.read(uri), uri))
    sizes = {name: len(rows) for name, rows in lists.items()}
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{name}.json has {count_of(size, 'row')}" for name, size in sizes.items())
        raise SpecError(
            f"the lists have different lengths: {lengths}",
            where=folder,
            hint="row n of s1.json and s2.json must belong to row n of mix.json: create the lists again",
        )
    return lists


def _row(row: object) -> list[Any]:
    """Return [wav, npz] or [wav, npz, samples]. Raises ItemError."""
    if not isinstance(row, list) or not 2 <= len(row) <= 3 or not isinstance(row[0], str):
        raise ItemError(ItemReason.BAD_ROW, f"{cells.shown(row)} is not [wav, npz, samples]")
    if len(row) == 3:
        _sample_count(row[2], row)
    if not cells.path(row[1]).endswith(SUFFIX):
        raise ItemError(ItemReason.BAD_PATH, f"{cells.shown(row[1])} is not the name of an npz file")
    return [cells.plain(row[0]), cells.path(row[1]), *row[2:]]


def _mixture(row: object) -> tuple[str, int]:
    if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], str):
        raise ItemError(ItemReason.BAD_ROW, f"{cells.shown(row)} in mix.json is not [wav, samples]")
    return cells.plain(row[0]), _sample_count(row[1], row)


def _sample_count(value: object, row: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ItemError(ItemReason.BAD_ROW, f"{cells.shown(row)} has no whole number of samples")
    return value


def _file_or_error(folder: MediaFolder, path: str) -> Found | ItemError:
    try:
        return folder.listed(path)
    except ItemError as error:
        return error
