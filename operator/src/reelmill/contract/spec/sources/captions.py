"""`captions`: annotation files of known caption and conversation data sets."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri

Dataset = Literal["webvid", "hdvila", "internvid", "how2link", "ego4d", "llava", "sft"]
Plugin = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)]


class CaptionsBlock(SourceBlock):
    """One item per annotated video."""

    gives = "videos"

    dataset: Dataset | Plugin
    """A known data set, or `module:function` of your own, declared in the module by
    `__reelmill__ = ["function"]`."""
    uri: Uri
    """Annotation file."""
    videos: Uri
    """Folder with the videos."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({"vid", "text", "conversations", "name"})
