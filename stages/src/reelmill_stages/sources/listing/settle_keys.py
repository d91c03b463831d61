"""Keys of drafts: the identity of a row, with the digest of the row if several rows have the same identity."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import count, groupby

from reelmill.contract.records.rows import Media
from reelmill_stages.sources.earlier_items import EarlierItems, content_digest

_DIGITS = 8

Rows = Sequence[tuple[str, list[int], str, str]]
"""For one identity: digest of a row, numbers of the drafts with it, group and body of the first."""


def give_keys(db: sqlite3.Connection, before: EarlierItems) -> None:
    """Set `key` of all drafts, and `copy` of duplicates."""
    db.execute("CREATE TEMP TABLE several (identity TEXT PRIMARY KEY) WITHOUT ROWID")
    db.execute("INSERT INTO several SELECT identity FROM drafts GROUP BY identity HAVING COUNT(*) > 1")
    db.executemany("INSERT OR IGNORE INTO several VALUES (?)", ((identity,) for identity in before.several()))
    db.execute("UPDATE drafts SET key = identity WHERE identity NOT IN several")
    left = db.execute(
        "SELECT identity, row, number, source, body FROM drafts WHERE key IS NULL ORDER BY identity, row, number"
    )
    made = _Made(db)
    updates: list[tuple[str, bool, int]] = []
    for identity, about in groupby(left.fetchall(), key=lambda draft: draft[0]):
        rows = [(row, list(same)) for row, same in groupby(about, key=lambda draft: draft[1])]
        rows_of_identity = [(row, [draft[2] for draft in same], same[0][3], same[0][4]) for row, same in rows]
        for (_, numbers, *_), key in zip(
            rows_of_identity, _keys(identity, rows_of_identity, before, made), strict=True
        ):
            updates.append((key, False, numbers[0]))
            for nth, number in enumerate(numbers[1:], 2):
                updates.append((made.unused(f"{key}{'#' * marks}{nth}" for marks in count(1)), True, number))
    db.executemany("UPDATE drafts SET key = ?, copy = ? WHERE number = ?", updates)
    db.execute("UPDATE drafts SET stem = NULL, shape = NULL WHERE copy")


class _Made:
    """Generated keys, which must differ from the identity of every row."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._keys: set[str] = set()

    def free(self, key: str) -> bool:
        taken = self._db.execute("SELECT 1 FROM drafts WHERE identity = ?", (key,)).fetchone()
        return key not in self._keys and taken is None

    def unused(self, keys: Iterator[str]) -> str:
        key = next(filter(self.free, keys))
        self._keys.add(key)
        return key


def _keys(identity: str, rows: Rows, before: EarlierItems, made: _Made) -> list[str]:
    """Return a key for each of the rows with one identity: its key in earlier listings, or an unused one."""
    known = dict(before.keys(identity))
    if len(rows) == 1 and not known:
        return [identity]
    keys: dict[str, str] = {}
    for row, *_ in rows:
        had = next((key for key in _longer_keys(identity, row) if key in known and made.free(key)), None)
        if had:
            keys[row] = made.unused(iter([had]))
    if identity in known:
        left = [draft for draft in rows if draft[0] not in keys]
        says = known[identity]
        same = (row for row, _, group, body in left if _row_content(group, body) == says)
        if keeps := next(same, left[0][0] if left else None):
            keys[keeps] = identity
    return [keys.get(row) or made.unused(_longer_keys(identity, row)) for row, *_ in rows]


def _longer_keys(identity: str, row: str) -> Iterator[str]:
    return (f"{identity}~{row[:digits]}" for digits in range(_DIGITS, len(row) + 1))


def _row_content(group: str, body: str) -> str:
    """Return the content as defined by `EarlierItems.keys`: empty for an invalid row."""
    _, media, fields, problem, _ = json.loads(body)
    return "" if problem else content_digest(group, Media.from_json(media) if media else None, fields)
