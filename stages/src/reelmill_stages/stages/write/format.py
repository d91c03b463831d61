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
    """A file of a sample: the column that holds it, its name where it came from, and where it is now."""

    column: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class FormatSample:
    """One sample: the values of the columns without files, in order, the files, and what `inspect` said of them."""

    values: list[Any]
    files: tuple[FormatFile, ...]
    facts: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FormatPart:
    """What a file needs besides itself: fields of its item, which `views` reads, and further files."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()


class FormatWriter(Protocol):
    """Writes one file."""

    def add(self, sample: FormatSample) -> None:
        """Write the next sample. Its files are there until `finish` returns."""
        ...

    def finish(self) -> FormatPart:
        """Complete the file."""
        ...

    def discard(self) -> None:
        """Close an unfinished file."""
        ...


class DataSetFormat:
    """A format, made from the block. The base class of formats."""

    suffix: ClassVar[str]
    """Of its files, without the dot."""
    max_sample_bytes: ClassVar[int] = 1 << 31
    """Size of the largest sample, all its files together."""

    def __init__(self, block: WriteBlock) -> None:
        self.block = block

    def check(self) -> None:
        """Raises SpecError if a package is missing."""

    def inspect(self, files: Sequence[FormatFile], values: Mapping[str, Any]) -> Fields:
        """What the writer wants to know of the files of a sample, found out in a worker.

        `values` are those of its other columns. Raises ItemError if the format cannot hold the sample.
        """
        return {}

    def writer(self, path: Path) -> FormatWriter:
        """A writer of a new file."""
        raise NotImplementedError

    def views(self, data: DataSetReader) -> Iterator[File]:
        """The files that open the data set; nothing for an empty one."""
        raise NotImplementedError

    def localise(self, view: Path, folder: Path) -> None:
        """See `Stage.localise`. Paths in views are relative, if a format does not say otherwise."""


_FORMATS: Mapping[str, tuple[str, str]] = {
    "lance": ("lance", "LanceFormat"),
    "lerobot": ("lerobot", "LerobotFormat"),
    "mds": ("mds", "MdsFormat"),
    "parquet": ("parquet", "ParquetFormat"),
}
"""Name in the block -> (module, class)."""


def format_of(block: WriteBlock) -> DataSetFormat:
    """The format of a block; only its module is imported."""
    module, name = _FORMATS[block.format]
    found: DataSetFormat = getattr(import_module(f"reelmill_stages.stages.write.formats.{module}"), name)(block)
    return found
