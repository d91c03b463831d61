"""`files`: lists the objects under a prefix that match patterns."""

from collections.abc import Iterator
from itertools import chain
from posixpath import basename, splitext

from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Media
from reelmill.contract.spec.sources.files import FilesBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.globs import matcher
from reelmill_stages.sources.listing.drafts import RowDraft
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.committed import FolderContents
from reelmill_stages.sources.objects.folder import stem
from reelmill_stages.sources.objects.unusable import unusable
from reelmill_stages.sources.tables.cells import path as checked_path
from reelmill_stages.store import Stat
from reelmill_stages.store.web.urls import is_web, no_listing


def check(block: FilesBlock) -> None:
    """Raise SpecError for an invalid pattern, and for a web server, which cannot be listed."""
    matcher((*block.include, *block.exclude))
    if is_web(block.uri):
        raise no_listing(block.uri)


def list_items(block: FilesBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per matching object; its key is the path below the prefix, and its name is derived from that path."""
    folder = absolute(block.uri).rstrip("/") + "/"
    include, exclude = matcher(block.include), matcher(block.exclude)

    def wanted(below: str) -> bool:
        return bool(include.match(below)) and not exclude.match(below)

    contents = FolderContents(bucket, block.uri)
    drafts = (
        object_draft(uri, stat, below, source)
        for uri, stat in contents.objects(lambda uri: wanted(uri.removeprefix(folder)))
        if wanted(below := uri.removeprefix(folder))
    )
    return settled(chain(drafts, unusable(contents, folder, wanted, exclude.match)), before)


def object_draft(uri: str, stat: Stat, below: str, source: str) -> RowDraft:
    """Return the draft of an object that is an item. `below` is its path below the prefix."""
    try:
        checked_path(below)
    except ItemError as error:
        return RowDraft(below, uri, uri, problem=(error.reason, error.what))
    name = stem(below) if stem(below) != below else splitext(below)[0]
    return RowDraft(
        identity=below,
        row=uri,
        group=uri,
        weight=float(stat.size),
        media=media_of(uri, stat, source),
        fields={"vid": basename(name)},
        stem=safe_stem(name),
    )


def media_of(uri: str, stat: Stat, source: str) -> Media:
    """Return the media of a source object, pinned to the listed version."""
    return Media(uri, stat.size, etag=stat.etag, version=stat.version, source=source)
