"""`images`: a COCO-style folder of images, identified by the number at the end of the file name."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class ImagesBlock(SourceBlock):
    """One item per image below a folder; its integer id is the number at the end of the file name."""

    gives = "images"

    uri: Uri
    """Folder with the images, or with the folders that `split` lists."""
    split: Annotated[str, Field(max_length=256, pattern=r"^(\w[\w.-]*(\+\w[\w.-]*)*)?$")] = ""
    """Folders below `uri` to read: `train2014`, or `train2014+val2014` for both as one set. If empty, all."""
