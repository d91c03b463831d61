"""Items of a data set in the order of their metadata, for lists that users read."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain

from reelmill.contract.records.rows import Item


def listed_order(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items sorted by position, each once; in the given order if any item has no position.

    Items are sorted in a temporary SQLite database, so memory use is constant.
    """
    rest = iter(items)
    first = next(rest, None)
    if first is None or first.position is None:
        yield from chain([] if first is None else [first], rest)
        return
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        db.execute("PRAGMA cache_size=-32768")
        db.execute("CREATE TABLE items (number INTEGER PRIMARY KEY, position INT, row TEXT)")
        db.execute("BEGIN")
        rows = ((item.position, json.dumps(item.to_json())) for item in chain([first], rest))
        db.executemany("INSERT INTO items (position, row) VALUES (?, ?)", rows)
        (lacking,) = db.execute("SELECT COUNT(*) FROM items WHERE position IS NULL").fetchone()
        order = "number" if lacking else "position, number"
        for (row,) in db.execute(f"SELECT row FROM items ORDER BY {order}"):  # noqa: S608
            yield Item.from_json(json.loads(row))
