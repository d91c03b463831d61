"""`lips`: mouth crops, with the lists of IIANet that say which mixture they belong to."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Uri


class LipsBlock(SourceBlock):
    """One item per npz file that the lists of both speakers name, however often they do."""

    gives = "crops"

    lists: Uri
    """Folder of `tr/`, `cv/` and `tt/`, each with `mix.json` [[wav, samples], …] and, row for row, `s1.json` and
    `s2.json` [[wav, npz, samples], …]."""
    root: Uri
    """Folder of the npz files. Paths in the lists are relative to it; of a path that was written on another machine
    as much of its end counts as is found here."""
    splits: Annotated[list[Literal["tr", "cv", "tt"]], Field(max_length=3)] = Field(default_factory=list)
    """Splits to read, each of which must be there; empty: those that are."""
