"""Pages of items by an index, against sorting and filtering all of them; and how an index grows."""

import math
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.data_sets import Written
from reelmill.contract.errors import SpecError, TransientError
from reelmill.contract.records.heartbeat import Runner
from reelmill.contract.task import SourceDef
from reelmill_stages.dashboard.index import schema
from reelmill_stages.dashboard.index.build import BATCH_BYTES, Builder, OtherData, batched_lines
from reelmill_stages.dashboard.index.conditions import LONGEST_CONDITION, ItemCondition, ItemOrder
from reelmill_stages.dashboard.index.indexes import Indexes
from reelmill_stages.dashboard.index.query import Reader
from reelmill_stages.dashboard.views.gallery import items_at
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.forget.forgetting import begin, execute_plan, plan_of
from reelmill_stages.store import Store

SCALARS = (
    st.none()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, -0.5, 1.0, 2.5, 1e300])
    | st.sampled_from("abB1é")
    | st.booleans()
)
PATIENCE_SECONDS = 300.0
"""Answers are given once the rows are read, on any machine."""
ROWS = st.lists(st.tuples(SCALARS, st.text("ab%_\\", max_size=3)), max_size=12)


_OPEN: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def writing(path: Path) -> sqlite3.Connection:
    _OPEN.append(schema.create(path))
    return _OPEN[-1]


def reading(path: Path) -> Reader:
    _OPEN.append(schema.read(path))
    return Reader(_OPEN[-1])


def opened(written: Written) -> Reader:
    path = written.folder / "index.db"
    db = writing(path)
    Builder(db, written.folder).read(written.data())
    db.close()
    return reading(path)


def every(reader: Reader, where: list[ItemCondition], order: ItemOrder, limit: int) -> list[int]:
    found: list[int] = []
    after = ""
    while True:
        places, after = reader.page(where, order, after, limit)
        assert len(places) <= limit
        found += [place.ordinal for place in places]
        if not after:
            return found


def rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts, texts by their bytes."""
    return (1, value.encode()) if isinstance(value, str) else (0, float(value))


@given(ROWS, st.booleans(), st.integers(1, 5), st.integers(1, 3))
def test_019_f05_pages_in_any_order_are_all_items_sorted(
    rows: list[tuple[Any, str]], descending: bool, limit: int, parts: int
) -> None:
    with Written.temporary() as written:
        written.segment([{"v": value, "t": text} for value, text in rows], parts=parts)
        reader = opened(written)
        if not any(value is not None for value, _ in rows):
            return
        having = [number for number, (value, _) in enumerate(rows) if value is not None]
        having.sort(key=lambda number: (rank(rows[number][0]), number), reverse=descending)
        without = sorted((number for number in range(len(rows)) if number not in having), reverse=descending)
        assert every(reader, [], ItemOrder("v", descending), limit) == having + without
        assert every(reader, [], ItemOrder("ordinal", descending), limit) == sorted(
            range(len(rows)), reverse=descending
        )


@pytest.mark.store  # takes long
@given(ROWS, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.integers(-2, 2), st.integers(1, 5))
def test_conditions_keep_what_they_say(rows: list[tuple[Any, str]], operator: str, bound: int, limit: int) -> None:
    with Written.temporary() as written:
        written.segment([{"v": value, "t": text} for value, text in rows])
        reader = opened(written)
        if not any(value is not None for value, _ in rows):
            return
        compare = {
            "<": lambda one: not isinstance(one, str) and one < bound,
            "<=": lambda one: not isinstance(one, str) and one <= bound,
            ">": lambda one: not isinstance(one, str) and one > bound,
            ">=": lambda one: not isinstance(one, str) and one >= bound,
            "=": lambda one: one in (bound, str(bound)),
            "!=": lambda one: one not in (bound, str(bound)),
        }[operator]
        kept = [number for number, (value, _) in enumerate(rows) if value is not None and compare(value)]
        where = [ItemCondition.parse(f"v{operator}{bound}")]
        assert every(reader, where, ItemOrder(), limit) == kept
        assert reader.count(where, 100) == len(kept)


@pytest.mark.store  # takes long
@given(ROWS, st.text("ab%_\\", min_size=1, max_size=2))
def test_a_text_contains_another_literally(rows: list[tuple[Any, str]], part: str) -> None:
    with Written.temporary() as written:
        written.segment([{"t": f"{text}."} for _, text in rows])
        reader = opened(written)
        if rows:
            expected = [number for number, (_, text) in enumerate(rows) if part in f"{text}."]
            assert every(reader, [ItemCondition("t", "~", part)], ItemOrder(), 4) == expected


def test_the_rows_of_a_page_come_from_the_store_as_they_are(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": number, "text": "é" * number} for number in range(30)], parts=3)
    written.segment([{"v": number} for number in range(30, 40)])
    reader = opened(written)
    order = list(range(40))
    random.Random(1).shuffle(order)
    places = [reader.place(number) for number in order]
    assert [item.fields["v"] for item in items_at(written.store, [each for each in places if each])] == order  # type: ignore[union-attr]
    assert reader.place(40) is None


def test_an_index_goes_on_where_it_stopped(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": number} for number in range(2500)], parts=2)
    path = tmp_path / "index.db"
    calls = iter([False] * 3)
    db = writing(path)
    Builder(db, tmp_path, stopped=lambda: next(calls, True)).read(written.data())
    partly = reading(path).items_read()
    assert 0 < partly < 2500
    Builder(db, tmp_path).read(written.data())
    assert reading(path).items_read() == 2500
    written.segment([{"v": 1}, {"w": "new"}])
    Builder(db, tmp_path).read(written.data())
    reader = reading(path)
    assert every(reader, [], ItemOrder(), 500) == list(range(2502))
    assert {each.name for each in reader.fields()} >= {"v", "w"}


def test_one_damaged_file_costs_no_other(tmp_path: Path) -> None:
    written = Written(tmp_path)
    files = written.segment([{"v": number} for number in range(9)], parts=3)
    written.break_(files[1])
    reader = opened(written)
    assert every(reader, [], ItemOrder(), 2) == [0, 1, 2, 6, 7, 8]
    assert any(files[1] in problem for problem in reader.problems())


def test_a_file_that_changes_after_it_was_read_shows_no_wrong_row(tmp_path: Path) -> None:
    written = Written(tmp_path)
    (file,) = written.segment([{"v": number} for number in range(3)])
    places, _ = opened(written).page([], ItemOrder(), "", 3)
    written.break_(file)
    assert type(items_at(written.store, places)[1]).__name__ == "StoreDamaged"


def test_data_made_anew_under_the_same_key_are_read_anew(tmp_path: Path) -> None:
    written = Written(tmp_path / "a")
    written.segment([{"v": 1}])
    db = writing(tmp_path / "index.db")
    Builder(db, tmp_path).read(written.data())
    other = Written(tmp_path / "b", run="2-00000000")
    other.segment([{"v": 2}])
    with pytest.raises(OtherData):
        Builder(db, tmp_path).read(other.data())


def test_an_index_is_made_anew_when_items_of_an_earlier_segment_were_forgotten(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 0}, {"v": 1}])
    written.segment([{"v": 2}])
    path = tmp_path / "index.db"
    db = writing(path)
    Builder(db, tmp_path).read(written.data())
    source = SourceDef(name="clips", key=written.names.key, type="files", params={"uri": "films"})
    plan = plan_of(written.store, source, ["k0"], "2026-01-01T00:00:00Z", tmp_path)
    begin(written.store, plan)
    Builder(db, tmp_path).read(written.data())  # the records are as they were
    assert execute_plan(written.store, plan, Runner(uid="u", name="default/line", run=1), tmp_path) == []
    with pytest.raises(OtherData):
        Builder(db, tmp_path).read(written.data())
    path.unlink()
    again = writing(path)
    for _ in range(2):
        Builder(again, tmp_path).read(written.data())
    assert "k0" not in "\n".join(again.iterdump())


def test_a_lost_input_is_told_from_a_later_one_with_its_key(tmp_path: Path) -> None:
    db = writing(tmp_path / "index.db")
    row = "INSERT INTO ledger (segment, key, ordinal, outcome, reason, message, seconds, attempt)"
    for segment, ordinal, outcome in ((1, 0, "failed"), (1, 1, "failed"), (2, 2, "done"), (3, 1, "done")):
        db.execute(f"{row} VALUES (?, 'same', ?, ?, '', '', 0, 1)", (segment, ordinal, outcome))
    assert [one.ordinal for one in Reader(db).losses("", "", 0, 9)] == [0]


def test_the_oldest_index_makes_room(tmp_path: Path) -> None:
    indexes = Indexes(tmp_path / "scratch", most_bytes=1, patience=PATIENCE_SECONDS)
    try:
        for number in range(3):
            written = Written(tmp_path / str(number))
            written.segment([{"v": 1}])
            with indexes.open(written.store, written.names) as (reader, index):
                assert (index.error, reader.items_read()) == ("", 1)
    finally:
        indexes.close()  # after the last secondary index, which may be one of those that go
    assert len(list((tmp_path / "scratch/indexes").glob("*.db"))) == 1


def test_an_index_that_is_being_written_stays(tmp_path: Path) -> None:
    indexes = Indexes(tmp_path / "scratch", most_bytes=1, patience=PATIENCE_SECONDS)
    sets = [Written(tmp_path / str(number)) for number in range(3)]
    try:
        for written in sets:
            written.segment([{"v": 1}])
        with indexes.open(sets[0].store, sets[0].names) as (_, first):
            pass
        # The lock is held while a secondary index is made.
        with first.lock, indexes.open(sets[1].store, sets[1].names):
            assert first.path.exists()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while first.path.exists() and time.monotonic() < deadline:  # secondary indexes may still be made
            with indexes.open(sets[2].store, sets[2].names):
                time.sleep(0.01)
        assert not first.path.exists()
    finally:
        indexes.close()


@pytest.mark.parametrize(
    "cursor",
    ["x", "[]", "[1]", '["a", "b"]', "[1, 99999999999999999999]", "{}", "[[1], 1]", '["\\ud800", 1]', "[" * 5000],
)
def test_a_cursor_that_is_none_is_refused(tmp_path: Path, cursor: str) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 1}])
    with pytest.raises(SpecError, match="does not refer to a page"):
        opened(written).page([], ItemOrder(), cursor, 3)


def test_odd_numbers_are_values_too(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 1 << 80}, {"v": -math.inf}, {"v": math.nan}, {"v": 1e308}, {"v": True}])
    reader = opened(written)
    assert every(reader, [], ItemOrder("v"), 2) == [1, 4, 3, 0, 2]
    assert reader.histogram("v", 4)[0]


def test_the_distribution_of_a_constant_counts_the_items_that_have_it(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 30}, {"v": 30}, {"v": "thirty"}, {}])
    assert opened(written).histogram("v", 4) == ([30.0, 30.0], [2])


def test_keys_and_texts_that_look_like_numbers_are_texts(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": "nan"}, {"v": "dog"}, {"v": 1}])
    reader = opened(written)
    assert every(reader, [ItemCondition.parse("v!=nan")], ItemOrder(), 5) == [1, 2]
    assert every(reader, [ItemCondition.parse("v=nan")], ItemOrder(), 5) == [0]
    assert every(reader, [ItemCondition.parse("key=k1")], ItemOrder(), 5) == [1]


def test_a_condition_of_any_length_is_answered_or_refused(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": "%" * 3000}])
    reader = opened(written)
    longest = ItemCondition.parse("v~" + "%" * (LONGEST_CONDITION - 2))
    assert every(reader, [longest], ItemOrder(), 5) == []
    with pytest.raises(SpecError, match="a condition of 60,002 characters"):
        ItemCondition.parse("v~" + "%" * 60_000)


class Failing:
    """A store that does not answer the first requests for whole files."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self._left = times

    def fetch(self, key: str, folder: Path) -> Path:
        self._left -= 1
        if self._left >= 0:
            raise TransientError("the server does not answer")
        return self._store.fetch(key, folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_store_that_does_not_answer_for_a_while_costs_no_rows(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": number} for number in range(6)], parts=3)
    db = writing(tmp_path / "index.db")
    store: Any = Failing(written.store, 2)
    for _ in range(2):
        with pytest.raises(TransientError):
            Builder(db, tmp_path).read(DataSet(store, written.names))
    Builder(db, tmp_path).read(DataSet(store, written.names))
    reader = reading(tmp_path / "index.db")
    assert every(reader, [], ItemOrder(), 5) == list(range(6))
    assert reader.problems() == []


def test_a_row_with_numbers_that_no_database_has_costs_no_other(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.segment([{"v": 1}], attempt=1 << 70)
    written.segment([{"v": 2}])
    reader = opened(written)
    assert every(reader, [], ItemOrder(), 5) == [0, 1]
    assert [row.key for row in reader.history("k1")] == ["k1"]
    assert any("numbers that are too large" in problem for problem in reader.problems())


def test_large_rows_are_read_in_smaller_batches(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes((b"x" * (BATCH_BYTES // 2) + b"\n") * 5)
    batches = list(batched_lines(path, 1))
    assert [[number for number, _, _ in batch] for batch in batches] == [[1, 2], [3, 4]]


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    try:
        condition = ItemCondition.parse(text)
    except SpecError:
        return
    assert ItemCondition.parse(str(condition)) == condition
