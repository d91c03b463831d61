"""`documents`: lists annotation files of documents with interleaved texts and images, one item per document."""

from collections.abc import Iterator
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.sources.documents import DocumentsBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.document_sets import DOCUMENT_SETS, Blank, Document
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.files import media_of
from reelmill_stages.sources.listing.drafts import RowDraft, refused, row_digest
from reelmill_stages.sources.listing.settle import settled
from reelmill_stages.sources.objects.bucket import absolute
from reelmill_stages.sources.objects.folder import MediaFolder
from reelmill_stages.sources.tables import cells
from reelmill_stages.sources.tables.column_lookup import refuse_bad_line
from reelmill_stages.untrusted.images import MAX_PIXELS


def list_items(block: DocumentsBlock, bucket: Bucket, source: str, before: EarlierItems = NOTHING) -> Iterator[Listed]:
    """One item per document, with `conversations` and `images`.

    Each image is its media or `{"blank": [width, height]}`. The item has no file, and its weight in seconds is its
    number of images.
    """
    uri = absolute(block.uri)
    folder = MediaFolder(bucket, block.images)
    documents = DOCUMENT_SETS[block.dataset](bucket.read(uri), uri)
    return settled((_draft(document, folder, source) for document in documents), before)


def _draft(document: Document, folder: MediaFolder, source: str) -> RowDraft:
    given_images = document.images if isinstance(document.images, list) else [document.images]
    digest = row_digest([list(map(_plain, given_images)), document.conversations, document.vid])
    about = ""
    try:
        refuse_bad_line(document.images)
        about = cells.identifier(document.vid) if document.vid is not None else f"document-{digest[:16]}"
        turns = cells.conversations(document.conversations)
        if not isinstance(document.images, list):
            raise ItemError(ItemReason.BAD_ROW, f"its images are {cells.shown(document.images)}, not a list")
        images = [_image(each, folder, source) for each in document.images]
    except ItemError as error:
        return refused(digest, error, about)
    fields = {"vid": about, "conversations": turns, "images": images}
    return RowDraft(about, digest, about, float(max(len(images), 1)), fields=fields, stem=safe_stem(about))


def _image(image: Any, folder: MediaFolder, source: str) -> dict[str, Any]:
    if isinstance(image, Blank):
        if not 0 < image.width * image.height <= MAX_PIXELS:
            raise ItemError(ItemReason.HUGE_IMAGE, f"a black image of {image.width}x{image.height} pixels")
        return {"blank": [image.width, image.height]}
    uri, stat = folder.listed(cells.path(image))
    return media_of(uri, stat, source).to_json()


def _plain(image: Any) -> Any:
    return ["blank", image.width, image.height] if isinstance(image, Blank) else image
