"""`images`: lists a COCO-style folder; an image is identified by the integer at the end of its file name.

`COCO_val2014_000000000042.jpg` is image 42, regardless of split and folder. Readers of features look up images by that
number, so only one of several files with the same number can be an item.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from posixpath import basename

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.images import ImagesBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import FolderContents
from reelmill_stages.sources.objects.unusable import unusable
from reelmill_stages.sources.tables.cells import path as checked_path
from reelmill_stages.store import Stat

IMAGES = frozenset(("bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"))
"""Extensions of image files, in lower case."""

LARGEST = 2**63 - 1
_DIGITS = re.compile(r"[0-9]+")

Found = tuple[str, str, str, Stat]
"""(path below the folder, split, absolute URI, stat)."""


def list_items(block: ImagesBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per image, with `image_id` (an integer) and `split` (its folder, if splits are given).

    A name without an integer at its end is `bad_id`. Of several files with one id, the one from an earlier listing is
    used, otherwise the first by path; the others are `duplicate_id`. Raises SpecError for a split without images.
    """
    root = absolute(block.uri).rstrip("/") + "/"
    folders = {split: FolderContents(bucket, f"{root}{split}") for split in dict.fromkeys(block.split.split("+"))}
    found = list(_images(root, folders))
    bad = (draft for contents in folders.values() for draft in unusable(contents, root, _is_image))
    owners: dict[int, str] = {}
    for below, *_ in found:
        number = _number(below)
        if number is not None and (
            number not in owners or _was_item(below, before) > _was_item(owners[number], before)
        ):
            owners[number] = below
    return settled(chain((_draft(one, owners, source) for one in found), bad), before)


def image_id(path: str) -> int:
    """Return the integer between the last underscore and the next dot. Raises ItemError with the reason `bad_id`."""
    tail = basename(path).split("_")[-1].split(".")[0]
    if not _DIGITS.fullmatch(tail) or int(tail) > LARGEST:
        raise ItemError(
            ItemReason.BAD_ID, f"{basename(path)} does not end in the number of an image: {tail!r} is not an integer"
        )
    return int(tail)


def _images(root: str, folders: Mapping[str, FolderContents]) -> Iterator[Found]:
    for split, contents in folders.items():
        has_images = False
        for uri, stat in contents.objects(_is_image):
            if _is_image(uri):
                has_images = True
                yield uri.removeprefix(root), split, uri, stat
        if split and not has_images:
            raise SpecError("no image in this split", where=f"{root}{split}", hint="check the name of the split")


def _is_image(path: str) -> bool:
    return path.rpartition(".")[2].lower() in IMAGES


def _number(below: str) -> int | None:
    try:
        return image_id(below)
    except ItemError:
        return None


def _was_item(below: str, before: EarlierItems) -> bool:
    """Return whether this file was an item in an earlier listing."""
    return any(key == below and content for key, content in before.keys(below))


def _draft(found: Found, owners: dict[int, str], source: str) -> RowDraft:
    below, split, uri, stat = found
    try:
        checked_path(below)
        number = image_id(below)
        if owners[number] != below:
            raise ItemError(ItemReason.DUPLICATE_ID, f"{below} and {owners[number]} are both image {number}")
    except ItemError as error:
        return RowDraft(below, uri, uri, problem=(error.reason, error.what))
    fields = {"vid": str(number), "image_id": number}
    return RowDraft(
        identity=below,
        row=uri,
        group=uri,
        weight=float(stat.size),
        media=media_of(uri, stat, source),
        fields=fields | ({"split": split} if split else {}),
        stem=safe_stem(str(number)),
    )
