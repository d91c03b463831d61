"""The interface of formats: a writer of one file with samples, and the views that open all files as one data set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from reelmill.contract.records.rows import Fields
from reelmill.contract.spec.stages.write import WriteBlock
from reelmill_stages.stage import DataSetReader, File


@dataclass(frozen=True, slots=True)
class FormatFile:
    """A file of a sample: its column, its original name, and its present path."""

    column: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class FormatSample:
    """One sample: the values of the columns without files, in order, the files, and the results of `inspect`."""

    values: list[Any]
    files: tuple[FormatFile, ...]
    facts: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FormatPart:
    """Additions to a file: fields of its item, which `views` reads, and further files."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()


class FormatWriter(Protocol):
    """Writes one file."""

    def add(self, sample: FormatSample) -> None:
        """Write the next sample. Its files exist until `finish` returns."""
        ...

    def finish(self) -> FormatPart:
        """Complete the file."""
        ...

    def discard(self) -> None:
        """Close an unfinished file."""
        ...


class DataSetFormat:
    """A format, created with the block. The base class of formats."""

    suffix: ClassVar[str]
    """Extension of its files, without the dot."""
    max_sample_bytes: ClassVar[int] = 1 << 31
    """Maximum size of a sample with all its files, in bytes."""

    def __init__(self, block: WriteBlock) -> None:
        self.block = block

    def check(self) -> None:
        """Raise SpecError if a package is missing."""

    def inspect(self, files: Sequence[FormatFile], values: Mapping[str, Any]) -> Fields:
        """Return what the writer needs to know about the files of a sample, determined in a worker.

        `values` are those of its other columns. Raises ItemError if the format cannot represent the sample.
        """
        return {}

    def writer(self, path: Path) -> FormatWriter:
        """Return a writer of a new file."""
        raise NotImplementedError

    def views(self, data: DataSetReader) -> Iterator[File]:
        """Yield the files that open the data set; none for an empty one."""
        raise NotImplementedError

    def localise(self, view: Path, folder: Path) -> None:
        """See `Stage.localise`. Paths in views are relative unless a format documents otherwise."""


_FORMATS: Mapping[str, tuple[str, str]] = {
    "lance": ("lance", "LanceFormat"),
    "lerobot": ("lerobot", "LerobotFormat"),
    "mds": ("mds", "MdsFormat"),
    "parquet": ("parquet", "ParquetFormat"),
}
"""Name in the block -> (module, class)."""


def format_of(block: WriteBlock) -> DataSetFormat:
    """Return the format of a block; only its module is imported."""
    module, name = _FORMATS[block.format]
    found: DataSetFormat = getattr(import_module(f"reelmill_stages.stages.write.formats.{module}"), name)(block)
    return found
