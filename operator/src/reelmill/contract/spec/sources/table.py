"""`table`: every row of a CSV, TSV, JSON, JSON lines or Parquet file is an item."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.names import Text, Uri


class Columns(Model):
    """Which column holds what. Absent columns are not read."""

    path: Text = "path"
    """Path of the video, absolute or below `base`."""
    text: Text | None = None
    """Caption."""
    start: Text | None = None
    """Start of the span in seconds."""
    end: Text | None = None
    """End of the span in seconds."""
    id: Text | None = None
    """Id of the video; absent: the file name without its extension."""
    keep: Annotated[list[Text], Field(max_length=64)] = Field(default_factory=list)
    """Further columns that travel with the item."""


class TableBlock(SourceBlock):
    """One item per row of a table."""

    gives = "videos"

    uri: Uri
    """The table."""
    format: Literal["csv", "tsv", "json", "jsonl", "parquet"] | None = None
    """Absent: by the file's extension."""
    columns: Columns = Columns()
    base: Uri | None = None
    """Prefix for relative paths; absent: the table's own folder."""
