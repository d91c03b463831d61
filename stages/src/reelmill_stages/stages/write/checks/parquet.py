"""The rules of Hugging Face for a folder of Parquet files: all files that the README lists open, with one schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.untrusted.front_matter import data_files

_README = "README.md"
_SUFFIX = ".parquet"
_FEATURES = b"huggingface"


class ParquetCheck:
    """See `Check`."""

    def detect(self, folder: Path) -> bool:
        return bool(_listed_files(folder))

    def check(self, folder: Path) -> Iterator[Finding]:
        schema: Any = None
        rows = 0
        listed = _listed_files(folder)
        for name in listed:
            try:
                found, count = _schema_and_rows(folder / name)
            except (OSError, ValueError) as error:
                yield Finding(name, "readable", False, unreadable(error))
                continue
            rows += count
            schema = schema or found
            if _FEATURES not in (found.metadata or {}):
                yield Finding(name, "features", False, "the schema does not name the features of its columns")
            elif not found.equals(schema, check_metadata=True):
                yield Finding(name, "schema", False, f"the columns differ from those of {listed[0]}")
            else:
                yield Finding(name, "readable", True, f"{count_of(count, 'sample')}")
        yield Finding(
            _README, "huggingface", True, f"lists {count_of(len(listed), 'file')} with {count_of(rows, 'sample')}"
        )


def _schema_and_rows(path: Path) -> tuple[Any, int]:
    """Return (schema, number of rows) of a file. Raises OSError and ValueError."""
    try:
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise SpecError(
            "Parquet needs the package pyarrow", where=str(path), hint="install reelmill-stages[parquet]"
        ) from error
    if not path.is_file():
        raise FileNotFoundError(path)
    with ParquetFile(path) as file:
        return file.schema_arrow, file.metadata.num_rows


def _listed_files(folder: Path) -> list[str]:
    return [path for path in data_files(folder / _README) if path.endswith(_SUFFIX)]
