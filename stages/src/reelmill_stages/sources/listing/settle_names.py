"""Names of drafts: unique in the listing, and different from those of earlier listings."""

import sqlite3
from collections.abc import Iterator

from reelmill_stages.file_names import folded, told_apart
from reelmill_stages.sources.earlier_items import EarlierItems


def give_names(db: sqlite3.Connection, before: EarlierItems) -> None:
    """Set unique names. Only drafts with a shared or used stem get another name, and those that collide with them."""
    shared = db.execute(
        "SELECT key, stem FROM drafts WHERE shape IN"
        " (SELECT shape FROM drafts WHERE shape IS NOT NULL GROUP BY shape HAVING COUNT(*) > 1)"
    )
    stems: dict[str, str] = dict(shared)
    taken: dict[str, str] = {}
    for key, stem, name in _drafts_to_name(db, before):
        stems[key] = stem
        if name is not None:
            taken[key] = name
    for stem in list(stems.values()):
        if holder := before.holder(stem):
            taken[holder[0]] = holder[1]
    while True:
        names = told_apart(stems.items(), taken)
        hit: dict[str, str] = {}
        held: dict[str, str] = {}
        for key in stems:
            if names[key] != stems[key]:
                hit.update(db.execute("SELECT key, stem FROM drafts WHERE shape = ?", (folded(names[key]),)))
                holder = before.holder(names[key])
                held.update([holder] if holder and holder[0] != key else [])
        if hit.keys() <= stems.keys() and held.keys() <= taken.keys():
            break
        stems |= hit
        taken |= held
    db.execute("CREATE INDEX by_key ON drafts (key)")
    db.executemany("UPDATE drafts SET stem = ? WHERE key = ?", ((names[key], key) for key in stems))


def _drafts_to_name(db: sqlite3.Connection, before: EarlierItems) -> Iterator[tuple[str, str, str | None]]:
    """Yield (key, stem, earlier name) of drafts whose name differs from their stem."""
    for key, stem in db.execute("SELECT key, stem FROM drafts WHERE stem IS NOT NULL"):
        name = before.name(key)
        if name is not None and name != stem:
            yield key, stem, name
        elif name is None and before.holder(stem):
            yield key, stem, None
