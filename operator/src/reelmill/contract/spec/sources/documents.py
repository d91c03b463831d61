"""`documents`: annotation files of documents in which texts and images are interleaved."""

from typing import Literal

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class DocumentsBlock(SourceBlock):
    """Documents with their images and conversations, for a `pack` stage with the sampler `interleave`."""

    gives = "documents"

    dataset: Literal["merlin-s", "merlin-un"]
    """`merlin-s`: rows with `image_info` and `text_list`, a text with images and times; `merlin-un`: rows with `images`
    and `conversations`."""
    uri: Uri
    """Annotation file."""
    images: Uri
    """Folder with the images. Absolute paths in the annotation file are looked up below it, by their longest trailing
    part that exists."""
