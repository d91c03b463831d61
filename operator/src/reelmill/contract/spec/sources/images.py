"""`images`: a COCO-style folder of images, each known by the number at the end of its name."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Uri


class ImagesBlock(SourceBlock):
    """One item per image below a folder, its integer id the tail of the file's name."""

    gives = "images"

    uri: Uri
    """Folder of the images, or, where `split` says something, of the splits' folders."""
    split: Annotated[str, Field(max_length=256, pattern=r"^(\w[\w.-]*(\+\w[\w.-]*)*)?$")] = ""
    """Folders below `uri` that are read: `train2014`, or `train2014+val2014` for one set of both; absent: all."""
