"""`files`: all objects under a prefix that match patterns."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Text, Uri

Patterns = Annotated[list[Text], Field(max_length=32)]


class FilesBlock(SourceBlock):
    """One item per matching object under a prefix."""

    gives = "videos"

    uri: Uri
    """Prefix or folder: `s3://bucket/prefix/`, `az://container/prefix/`, `gs://bucket/prefix/`,
    `hf://datasets/owner/name@revision/prefix` or a path."""
    include: Patterns = ["**/*.mp4", "**/*.mkv", "**/*.webm", "**/*.mov", "**/*.avi", "**/*.ts", "**/*.m4v"]
    """Glob patterns for the path below the prefix; `**` matches several folders, letter case is ignored."""
    exclude: Patterns = Field(default_factory=list)
    """Glob patterns of objects to exclude."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset({"vid", "name"})
