"""`table`: the rows of a CSV, TSV, JSON, JSON lines or Parquet file, or the lines of a list."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.block import SourceBlock
from reelmill.contract.spec.field_types import Text, Uri
from reelmill.contract.spec.spec_model import SpecModel


class Columns(SpecModel):
    """Names of the columns to read."""

    path: Text = "path"
    """Column with the path of the video, absolute or relative to `base`, or with its URL (`https://host/path`)."""
    text: Text | None = None
    """Column with the caption."""
    start: Text | None = None
    """Column with the start of the span in seconds."""
    end: Text | None = None
    """Column with the end of the span in seconds."""
    id: Text | None = None
    """Column with the id of the video. If absent, the file name without its extension."""
    keep: Annotated[list[Text], Field(max_length=64)] = Field(default_factory=list)
    """Other columns to keep as fields of the item."""


class TableBlock(SourceBlock):
    """One item per row of a table."""

    gives = "videos"

    uri: Uri
    """The file with the table."""
    format: Literal["csv", "tsv", "json", "jsonl", "parquet", "lines"] | None = None
    """Format of the file. If absent, determined by its extension. `lines` (`.txt`, `.list`): each line is the path or
    URL of a file; empty lines and those that begin with `#` are passed over."""
    quoting: Literal["standard", "cell", "none"] | None = None
    """Meaning of quotes in CSV and TSV. `standard` (RFC 4180): a quoted cell may contain separators and line breaks.
    `cell`: a cell that is in quotes from its first to its last character is unquoted, any other quote is text, and no
    cell contains a line break. `none`: quotes are text. If absent, `standard` for CSV and `cell` for TSV."""
    columns: Columns = Columns()
    base: Uri | None = None
    """Prefix of relative paths. If absent, the folder of the table."""

    @property
    def added_fields(self) -> frozenset[str]:
        columns = self.columns
        found = {"vid", "name", *columns.keep} | ({"text"} if columns.text else set())
        return frozenset(found | ({"start", "end"} if columns.start else set()))
