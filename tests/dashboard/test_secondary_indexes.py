"""What secondary indexes answer, against the answers without them; and that they are made in the background."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.data_sets import Written
from reelmill_stages.dashboard.index import schema
from reelmill_stages.dashboard.index.build import Builder
from reelmill_stages.dashboard.index.candidates import rarest
from reelmill_stages.dashboard.index.conditions import ItemCondition, ItemOrder
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.index.query import Reader
from reelmill_stages.dashboard.index.secondary import make_next

PATIENCE_SECONDS = 300.0
TEXTS = st.text('abA"É\0%_é ', max_size=6) | st.integers(-9999, 9999) | st.none()


def page(db: sqlite3.Connection, where: list[ItemCondition], order: ItemOrder) -> tuple[list[int], int]:
    reader = Reader(db)
    return [place.ordinal for place in reader.page(where, order, "", 100)[0]], reader.count(where, 100)


@pytest.mark.store  # takes long
@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
    st.text('abA"É\0%_é 1', min_size=1, max_size=5),
    st.sampled_from(["ordinal", "s", "t"]),
    st.booleans(),
)
def test_a_search_by_trigrams_finds_what_a_scan_finds(
    rows: list[tuple[object, object]], later: list[tuple[object, object]], part: str, order: str, descending: bool
) -> None:
    with Written.temporary() as written:
        path = written.folder / "index.db"
        written.segment([{"s": s, "t": t} for s, t in [("a", "a"), *rows]])
        with closing(schema.create(path)) as db:
            Builder(db, written.folder).read(written.data())
            while make_next(db, ()):
                pass
            written.segment([{"s": s, "t": t} for s, t in later])  # not in the trigram indexes
            Builder(db, written.folder).read(written.data())
            where = [ItemCondition("s", "~", part), ItemCondition("key", "~", "k")]
            found = page(db, where, ItemOrder(order, descending))
            db.execute("DELETE FROM trigrams")  # a search knows none now, and scans
            assert found == page(db, where, ItemOrder(order, descending))


def test_the_condition_that_few_items_meet_is_looked_up(tmp_path: Path) -> None:
    written = Written(tmp_path)
    texts = [f"a dog and {'a zebra' if number == 7 else 'a cat'}" for number in range(60)]
    written.segment([{"text": text, "v": number} for number, text in enumerate(texts)])
    with closing(schema.create(tmp_path / "index.db")) as db:
        Builder(db, tmp_path).read(written.data())
        reader = Reader(db)

        def begins_with(*where: str, most: int = 100) -> int | None:
            named = [(one, reader.columns([one.field])[0]) for one in map(ItemCondition.parse, where)]
            found = rarest(db, named, most)
            return found.count if found else None

        assert begins_with("text~zebra", "v>50") is None  # no index yet
        while make_next(db, ()):
            pass
        assert begins_with("text~ZEBRA", "v>50") == 1
        assert begins_with("text~dog", "v>50") == 9
        assert begins_with("text~dog") == 60
        assert begins_with("text~dog", "v>50", most=8) is None
        assert begins_with("text~ze") is None
        assert begins_with("v!=3") is None


def test_every_field_gets_indexes_in_the_background(tmp_path: Path) -> None:
    written = Written(tmp_path / "data")
    written.segment([{"text": f"number {number}", "v": number} for number in range(30)])
    indexes = Indexes(tmp_path / "scratch", patience=PATIENCE_SECONDS)
    try:
        with indexes.open(written.store, written.names) as (reader, index):
            wanted = set(reader.columns(["text", "v"]))
        written.segment([{"text": "a zebra", "v": 1}])
        index.looked = 0.0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with indexes.open(written.store, written.names) as (reader, index), closing(schema.read(index.path)) as db:
                made = {name.removeprefix("by_") for (name,) in db.execute("SELECT name FROM sqlite_master")}
                upto = dict(db.execute("SELECT name, upto FROM trigrams"))
            if wanted <= made and upto.get("key") == 30:
                break
            time.sleep(0.02)
        assert wanted <= made
        assert set(upto.values()) == {30}
        assert not index.error
    finally:
        indexes.close()
