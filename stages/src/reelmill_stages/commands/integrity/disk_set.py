"""A set of text on disk, for the keys of millions of rows."""

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self


class DiskSet:
    """A set of text in a temporary database. A context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute("CREATE TABLE texts (text TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, texts: Iterable[str]) -> None:
        """Add texts; those that it has already are passed over."""
        self._db.execute("BEGIN")
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO texts VALUES (?)", ((text,) for text in texts))

    def __contains__(self, text: str) -> bool:
        return self._db.execute("SELECT 1 FROM texts WHERE text = ?", (text,)).fetchone() is not None

    def without(self, others: "DiskSet") -> Iterator[str]:
        """The texts that are not in the other set, in order."""
        for (text,) in self._db.execute("SELECT text FROM texts ORDER BY text"):
            if text not in others:
                yield text
