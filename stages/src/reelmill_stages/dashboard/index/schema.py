"""The tables of an index: one SQLite file per data set in the scratch folder.

An index contains the location of the row of each item, and the values of its fields for sorting and filtering; the rows
themselves remain in the store. Segments never change, so an index only grows, and is up to date once it has read the
last segment. Ledger rows are small and stored as a whole, except for the messages of done items.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

VERSION = "2"
"""Version of the tables; indexes of other versions are recreated."""
MOST_FIELDS = 200
"""Maximum number of fields with a column; others are shown, but cannot be sorted by."""
LONGEST = 1000
"""Maximum number of characters of a text that are indexed."""

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE parts (
  id INTEGER PRIMARY KEY, segment INT, items TEXT, items_read INT DEFAULT 0, ledger TEXT, ledger_read INT DEFAULT 0,
  complete INT DEFAULT 0, problem TEXT DEFAULT ''
);
CREATE TABLE fields (id INTEGER PRIMARY KEY, name TEXT UNIQUE, numbers INT DEFAULT 0, texts INT DEFAULT 0);
CREATE TABLE items (ordinal INTEGER PRIMARY KEY, part INT, start INT, size INT, key TEXT);
CREATE INDEX items_by_key ON items (key);
CREATE TABLE trigrams (name TEXT PRIMARY KEY, upto INT) WITHOUT ROWID;
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, segment INT, key TEXT, ordinal INT, outcome TEXT, reason TEXT, message TEXT, seconds REAL,
  attempt INT
);
CREATE INDEX ledger_by_key ON ledger (key, id);
CREATE INDEX ledger_by_reason ON ledger (reason, id) WHERE outcome <> 'done';
"""


def create(path: Path) -> sqlite3.Connection:
    """Create an empty index, open for writing. Readers see what was committed, even while more is written."""
    found = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    found.execute("PRAGMA journal_mode=WAL")
    found.execute("PRAGMA synchronous=OFF")
    found.execute("PRAGMA cache_size=-32768")
    if not found.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        found.executescript(_TABLES)
        found.execute("INSERT INTO about VALUES ('version', ?)", (VERSION,))
    return found


def read(path: Path) -> sqlite3.Connection:
    """Open an index for reading. Raises sqlite3.Error if there is none."""
    found = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    found.execute("PRAGMA cache_size=-8192")
    found.execute("PRAGMA query_only=ON")
    return found


def column(field: int) -> str:
    """Return the column of a field."""
    return f"f{field}"


def has_version(path: Path) -> bool:
    """Return whether a file is an index that this version can continue."""
    try:
        with closing(read(path)) as found:
            row = found.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
    except sqlite3.Error:
        return False
    return bool(row and row[0] == VERSION)
