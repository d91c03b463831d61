"""`captions`: lists annotation files of caption and conversation data sets, one item per annotated video."""

from collections.abc import Iterator
from posixpath import basename
from typing import Any

from reelmill.contract.errors import ItemError, ReelmillError, SpecError
from reelmill.contract.spec.sources.captions import CaptionsBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.caption_sets import KNOWN, Caption, CaptionSet
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import MediaFolder, stem
from reelmill_stages.sources.table import with_media
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import refuse_bad_line
from reelmill_stages.user_code import load


def list_items(block: CaptionsBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per caption, with `text` or `conversations`. The files are already cut to what the caption describes."""
    uri = absolute(block.uri)
    folder = MediaFolder(bucket, block.videos)
    captions = _captions_of_adapter(caption_set(block.dataset), bucket.read(uri), uri)
    return settled((_draft(caption, folder, source) for caption in captions), before)


def caption_set(name: str) -> CaptionSet:
    """Return the function for a known data set, or a custom one, `module:function`.

    A custom one is imported if its module declares it (see `declared`). Raises SpecError if there is none.
    """
    if name in KNOWN:
        return KNOWN[name]
    loaded = load(name, "adapter")
    if not callable(loaded):
        raise SpecError(f"the adapter {name} is not a function", where="dataset", hint="it takes (bytes, uri)")
    adapter: CaptionSet = loaded
    return adapter


def _captions_of_adapter(adapter: CaptionSet, data: bytes, uri: str) -> Iterator[Caption]:
    try:
        yield from adapter(data, uri)
    except ReelmillError:
        raise
    except Exception as error:
        raise SpecError(
            f"the adapter failed: {type(error).__name__}: {error}",
            where=uri,
            hint="an adapter takes (bytes, uri), yields Captions, and raises SpecError for an invalid file",
        ) from error


def _draft(caption: Caption, folder: MediaFolder, source: str) -> RowDraft:
    content = (caption.video, caption.text, caption.conversations, caption.vid)
    digest, about = row_digest(content), ""
    try:
        refuse_bad_line(caption.video)
        path = about = cells.path(caption.video)
        vid = basename(stem(path)) if caption.vid is None else cells.identifier(caption.vid)
        fields: dict[str, Any] = {"vid": vid}
        if caption.conversations is None:
            fields["text"] = cells.caption(caption.text)
        else:
            fields["conversations"] = cells.conversations(caption.conversations)
    except ItemError as error:
        return refused(digest, error, about)
    below = basename(path) if path.startswith("/") or "://" in path else path
    draft = RowDraft(path, digest, path, fields=fields, stem=safe_stem(stem(below)))
    return with_media(draft, folder, path, source, exact=False)
