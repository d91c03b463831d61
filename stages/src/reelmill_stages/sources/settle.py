"""From drafts to a listing: keys that stay, names that differ, duplicates told, one sensible order.

All drafts are seen before the first `Listed` comes out, so the result depends on the set of rows alone and not on their
order. They wait in a temporary SQLite database: a source may have millions of rows, and memory stays flat.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import count, groupby
from typing import Any

from reelmill.contract.errors import TransientError
from reelmill.contract.record import Media
from reelmill_stages.naming import folded, told_apart
from reelmill_stages.sources import Listed
from reelmill_stages.sources.drafts import Draft

_DIGITS = 8
_TABLE = """
CREATE TABLE drafts (
    number INTEGER PRIMARY KEY, identity TEXT, row TEXT, source TEXT, first REAL, last REAL, stem TEXT, shape TEXT,
    body TEXT, key TEXT, copy INT DEFAULT 0
)
"""
_SHARED = "SELECT {0} FROM drafts WHERE {0} IS NOT NULL GROUP BY {0} HAVING COUNT(*) > 1"


def settled(drafts: Iterable[Draft]) -> Iterator[Listed]:
    """One `Listed` per draft, sorted by group, then by time.

    Of rows that say the same the first one counts and the others are `duplicate`. Different rows about the same
    thing are items of their own; their keys then carry the digest of the row.
    """
    try:
        yield from _settled(drafts)
    except sqlite3.OperationalError as error:
        raise TransientError(
            f"the temporary database failed: {error}", hint="free space in the temporary folder (TMPDIR)"
        ) from error


def _settled(drafts: Iterable[Draft]) -> Iterator[Listed]:
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        db.execute("PRAGMA cache_size=-32768")
        db.execute(_TABLE)
        db.execute("BEGIN")
        values = ", ".join("?" * 9)
        db.executemany(f"INSERT INTO drafts VALUES ({values}, NULL, 0)", map(_columns, count(), drafts))  # noqa: S608
        db.execute("CREATE INDEX by_identity ON drafts (identity, row)")
        db.execute("CREATE INDEX by_shape ON drafts (shape)")
        _give_keys(db)
        _give_names(db)
        rows = db.execute("SELECT key, source, stem, copy, body FROM drafts ORDER BY source, first, last, key")
        for row in rows:
            yield _listed(*row)


def _columns(number: int, draft: Draft) -> tuple[Any, ...]:
    body = [draft.weight, draft.media.to_json() if draft.media else None, draft.fields, draft.problem]
    shape = None if draft.stem is None else folded(draft.stem)
    return (
        number, draft.identity, draft.row, draft.group, *map(float, draft.order), draft.stem, shape, json.dumps(body),
    )  # fmt: skip


def _listed(key: str, group: str, name: str | None, copy: int, body: str) -> Listed:
    weight, media, fields, problem = json.loads(body)
    if copy and not problem:
        return Listed(key, group, 0.0, None, fields, ("duplicate", "another row says exactly the same"))
    named = fields if name is None else fields | {"name": name}
    return Listed(
        key, group, weight, Media.from_json(media) if media else None, named, tuple(problem) if problem else None
    )


def _give_keys(db: sqlite3.Connection) -> None:
    shared = _SHARED.format("identity")
    db.execute(f"UPDATE drafts SET key = identity WHERE identity NOT IN ({shared})")  # noqa: S608 - constants
    crowded = db.execute("SELECT number, identity, row FROM drafts WHERE key IS NULL ORDER BY identity, row, number")
    made: set[str] = set()

    def unused(keys: Iterator[str]) -> str:
        key = next(key for key in keys if key not in made and not _is_identity(db, key))
        made.add(key)
        return key

    updates: list[tuple[str, bool, int]] = []
    for identity, about in groupby(crowded.fetchall(), key=lambda draft: draft[1]):
        rows = [(row, [number for number, *_ in same]) for row, same in groupby(about, key=lambda draft: draft[2])]
        for row, numbers in rows:
            key = identity
            if len(rows) > 1:
                key = unused(f"{identity}~{row[:digits]}" for digits in count(_DIGITS))
            updates.append((key, False, numbers[0]))
            for nth, number in enumerate(numbers[1:], 2):
                updates.append((unused(f"{key}{'#' * marks}{nth}" for marks in count(1)), True, number))
    db.executemany("UPDATE drafts SET key = ?, copy = ? WHERE number = ?", updates)
    db.execute("UPDATE drafts SET stem = NULL, shape = NULL WHERE copy")


def _is_identity(db: sqlite3.Connection, key: str) -> bool:
    return db.execute("SELECT 1 FROM drafts WHERE identity = ?", (key,)).fetchone() is not None


def _give_names(db: sqlite3.Connection) -> None:
    """Only rows whose stems are shared can get another name, and those whose stem such a name hits."""
    shared = _SHARED.format("shape")
    stems = dict(db.execute(f"SELECT key, stem FROM drafts WHERE shape IN ({shared})"))  # noqa: S608 - constants
    while True:
        names = told_apart(stems.items())
        hit: dict[str, str] = {}
        for key in stems:
            if names[key] != stems[key]:
                hit.update(db.execute("SELECT key, stem FROM drafts WHERE shape = ?", (folded(names[key]),)))
        if hit.keys() <= stems.keys():
            break
        stems |= hit
    db.execute("CREATE INDEX by_key ON drafts (key)")
    db.executemany("UPDATE drafts SET stem = ? WHERE key = ?", ((names[key], key) for key in stems))
