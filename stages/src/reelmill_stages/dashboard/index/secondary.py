"""Secondary indexes: by the values of a field, and by the trigrams of its texts.

They are made in the background after the rows were read, step by step, because a step takes a second or two for a
million items. Before they are complete, a scan answers the same queries.
"""

import sqlite3
from collections.abc import Collection

from reelmill_stages.dashboard.index.schema import column
from reelmill_stages.dashboard.index.trigrams import grow, has_trigrams

MOST = 32
"""Maximum number of fields that are indexed unrequested, those of most items first; others are indexed when used."""


def make_next(db: sqlite3.Connection, wanted: Collection[str]) -> bool:
    """Make or extend one index. Returns False if all are complete.

    `wanted` are columns that users sort and search by; they come first.
    """
    fields = [
        (column(number), texts)
        for number, texts in db.execute("SELECT id, texts FROM fields ORDER BY numbers + texts DESC, id")
    ]
    chosen = [each for each in fields if each[0] in wanted] + fields[:MOST]
    for name, _ in chosen:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (f"by_{name}",)).fetchone() is None:
            db.execute(f"CREATE INDEX by_{name} ON items ({name}, ordinal)")
            return True
    if not has_trigrams():
        return False
    return any(grow(db, name) for name in (*(name for name, texts in chosen if texts), "key"))
