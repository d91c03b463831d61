"""A temporary SQLite database on disk, for collections that are larger than memory."""

import sqlite3
from types import TracebackType
from typing import Self


class TemporaryDatabase:
    """Base class of collections in a temporary database. A context manager; closing it deletes the database."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
