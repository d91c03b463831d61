"""Turns drafts into a listing with stable keys, unique names, detected duplicates and a defined order.

All drafts are collected before the first `Listed` is returned, so the result depends on the set of rows and on earlier
listings, but, apart from positions, not on the order of rows. They are kept in a temporary SQLite database, so memory
use is constant.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from typing import Any

from reelmill.contract.errors import ItemError, TransientError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill_stages.file_names import folded
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.listing.drafts import RowDraft, refused
from reelmill_stages.sources.listing.settle_keys import give_keys
from reelmill_stages.sources.listing.settle_names import give_names

_TABLE = """
CREATE TABLE drafts (
    number INTEGER PRIMARY KEY, identity TEXT, row TEXT, source TEXT, first REAL, last REAL, stem TEXT, shape TEXT,
    body TEXT, key TEXT, copy INT DEFAULT 0
)
"""


def settled(drafts: Iterable[RowDraft], before: EarlierItems = NOTHING, *, positions: bool = False) -> Iterator[Listed]:
    """Yield one `Listed` for each draft, sorted by group and then by time; with `positions`, it has its row number.

    Of equal rows, the first one is used and the others are `duplicate`. Different rows with the same identity are
    separate items, whose keys contain the digest of the row. Items of earlier listings keep their keys and names.
    """
    try:
        yield from _settled(drafts, before, positions=positions)
    except sqlite3.OperationalError as error:
        raise TransientError(
            f"the temporary database failed: {error}", hint="free space in the temporary folder (TMPDIR)"
        ) from error


def _settled(drafts: Iterable[RowDraft], before: EarlierItems, *, positions: bool) -> Iterator[Listed]:
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        db.execute("PRAGMA cache_size=-32768")
        db.execute(_TABLE)
        db.execute("BEGIN")
        values = ", ".join("?" * 9)
        db.executemany(f"INSERT INTO drafts VALUES ({values}, NULL, 0)", map(_columns, count(), drafts))  # noqa: S608
        db.execute("CREATE INDEX by_identity ON drafts (identity, row)")
        db.execute("CREATE INDEX by_shape ON drafts (shape)")
        give_keys(db, before)
        give_names(db, before)
        columns = "number, key, identity, source, stem, copy, body"
        rows = db.execute(f"SELECT {columns} FROM drafts ORDER BY source, first, last, key")  # noqa: S608
        for number, *row in rows:
            listed = _listed(*row)
            yield replace(listed, position=number) if positions else listed


def _columns(number: int, draft: RowDraft) -> tuple[Any, ...]:
    media = draft.media.to_json() if draft.media else None
    body = json.dumps([draft.weight, media, draft.fields, draft.problem, draft.rows], ensure_ascii=False)
    try:
        f"{draft.identity}{draft.group}{draft.stem}{body}".encode()
    except UnicodeEncodeError:
        return _columns(number, _without_text(draft))
    shape = None if draft.stem is None else folded(draft.stem)
    return (number, draft.identity, draft.row, draft.group, *map(float, draft.order), draft.stem, shape, body)


def _without_text(draft: RowDraft) -> RowDraft:
    """Replace a row that contains an unpaired surrogate, which JSON can represent but no file can store."""
    about = draft.identity.encode("ascii", "backslashreplace").decode()
    return refused(draft.row, ItemError(ItemReason.BAD_TEXT, f"a text in the row {about} is not valid Unicode"), about)


def _listed(key: str, identity: str, group: str, name: str | None, copy: int, body: str) -> Listed:
    weight, media, fields, problem, rows = json.loads(body)
    if copy and not problem:
        problem_found = (ItemReason.DUPLICATE, "another row is identical")
        return Listed(key, group, 0.0, None, fields, problem=problem_found, identity=identity)
    named = fields if name is None else fields | {"name": name}
    place = Media.from_json(media) if media else None
    fault = tuple(problem) if problem else None
    return Listed(key, group, weight, place, named, problem=fault, rows=tuple(rows), identity=identity)
