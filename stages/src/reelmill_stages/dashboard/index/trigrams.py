"""Trigram indexes of texts, which find items whose text contains another one without a scan.

They are tables of SQLite's FTS5 with its trigram tokenizer (https://sqlite.org/fts5.html#the_trigram_tokenizer), one
for each column with texts, and contain no texts themselves. They only propose items: LIKE decides whether a text
contains another one. Texts of fewer than three characters, and SQLite without FTS5, require a scan.
"""

import sqlite3
from functools import cache

from reelmill_stages.dashboard.index.values import Scalar

CHUNK = 20_000
"""Number of ordinals whose texts are added in one transaction."""


@cache
def has_trigrams() -> bool:
    """Return whether this SQLite has FTS5 with the trigram tokenizer (3.34 or later)."""
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(value, tokenize='trigram')")
    except sqlite3.Error:
        return False
    finally:
        db.close()
    return True


def grow(db: sqlite3.Connection, column: str) -> bool:
    """Add the next texts of a column to its trigram index. Returns False if it is complete."""
    table = _table(column)
    row = db.execute("SELECT upto FROM trigrams WHERE name = ?", (column,)).fetchone()
    done: int = row[0] if row else -1
    last: int | None = db.execute(
        "SELECT MAX(ordinal) FROM (SELECT ordinal FROM items WHERE ordinal > ? ORDER BY ordinal LIMIT ?)", (done, CHUNK)
    ).fetchone()[0]
    if last is None:
        return False
    db.execute("BEGIN")
    try:
        db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING"
            " fts5(value, content='', columnsize=0, detail=none, tokenize='trigram')"
        )
        db.execute(
            f"INSERT INTO {table} (rowid, value) SELECT ordinal, {column} FROM items"  # noqa: S608 - known columns
            f" WHERE ordinal > ? AND ordinal <= ? AND {column} IS NOT NULL",
            (done, last),
        )
        db.execute("INSERT OR REPLACE INTO trigrams (name, upto) VALUES (?, ?)", (column, last))
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return True


def may_contain(db: sqlite3.Connection, column: str, text: str) -> tuple[str, list[Scalar]] | None:
    """Return a query for the ordinals, named `place`, of all items whose text may contain this one, and its values.

    Items that are not yet in the index are included. None: there is no usable trigram index.
    """
    if len(text) < 3 or "\0" in text or not has_trigrams():
        return None
    row = db.execute("SELECT upto FROM trigrams WHERE name = ?", (column,)).fetchone()
    if row is None:
        return None
    quoted = (text[at : at + 3].replace('"', '""') for at in range(len(text) - 2))
    match = " AND ".join(f'"{each}"' for each in dict.fromkeys(quoted))
    query = (
        f"SELECT rowid AS place FROM {_table(column)} WHERE {_table(column)} MATCH ?"  # noqa: S608 - known columns
        " UNION ALL SELECT ordinal FROM items WHERE ordinal > ?"
    )
    return query, [match, row[0]]


def _table(column: str) -> str:
    return f"trigrams_of_{column}"
