"""`tars`: lists existing webdataset tars."""

from collections.abc import Iterator
from itertools import chain

from reelmill.contract.spec.sources.tars import TarsBlock
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import object_draft
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import FolderContents
from reelmill_stages.sources.objects.unusable import unusable


def list_items(block: TarsBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per `.tar` under the prefix; its weight is its size in bytes, its name is derived from its path."""
    folder = absolute(block.uri).rstrip("/") + "/"
    contents = FolderContents(bucket, block.uri)
    drafts = (
        object_draft(uri, stat, uri.removeprefix(folder), source)
        for uri, stat in contents.objects(_is_tar)
        if _is_tar(uri)
    )
    return settled(chain(drafts, unusable(contents, folder, _is_tar)), before)


def _is_tar(path: str) -> bool:
    return path.lower().endswith(".tar")
