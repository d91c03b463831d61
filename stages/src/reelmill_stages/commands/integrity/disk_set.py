"""A set of strings on disk, for the keys of millions of rows."""

from collections.abc import Iterable, Iterator

from reelmill_stages.host.temporary_database import TemporaryDatabase


class DiskSet(TemporaryDatabase):
    """A set of strings in a temporary database. A context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-32768")
        self._db.execute("CREATE TABLE texts (text TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, texts: Iterable[str]) -> None:
        """Add strings; duplicates are ignored."""
        self._db.execute("BEGIN")
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO texts VALUES (?)", ((text,) for text in texts))

    def __contains__(self, text: str) -> bool:
        return self._db.execute("SELECT 1 FROM texts WHERE text = ?", (text,)).fetchone() is not None

    def without(self, others: "DiskSet") -> Iterator[str]:
        """The strings that are not in the other set, in order."""
        for (text,) in self._db.execute("SELECT text FROM texts ORDER BY text"):
            if text not in others:
                yield text
