"""`lips`: mouth crops, with the lists of IIANet that assign them to mixtures."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Uri


class LipsBlock(SourceBlock):
    """One item for each distinct npz file in the lists of both speakers."""

    gives = "crops"
    uri_field = "lists"

    lists: Uri
    """Folder with `tr/`, `cv/` and `tt/`. Each contains `mix.json` [[wav, samples], …] and, with the same rows,
    `s1.json` and `s2.json` [[wav, npz, samples], …]."""
    root: Uri
    """Folder with the npz files. Paths in the lists are relative to it; for a path from another machine, the longest
    trailing part that exists here is used."""
    splits: Annotated[list[Literal["tr", "cv", "tt"]], Field(max_length=3)] = Field(default_factory=list)
    """Splits to read; each must exist. If empty, all that exist."""
