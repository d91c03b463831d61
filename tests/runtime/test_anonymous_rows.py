"""Anonymous rows and what hangs together by files, for rows made by chance."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import StoreDamaged
from reelmill.contract.records.forgotten import ANONYMOUS, anonymous_key, is_anonymous, is_forgotten, tombstone_digest
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item, Output
from reelmill.contract.records.segment import Object
from reelmill.contract.task import StoreRef
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.runtime.forget import anonymous
from reelmill_stages.runtime.forget.affected import connected_through_files
from reelmill_stages.runtime.forget.rewritten_files import rewritten
from reelmill_stages.runtime.forget.search.names import Names
from reelmill_stages.store.open import open_store

KEY = "0123456789abcdef"
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(st.lists(st.tuples(TEXT, st.floats(0, 1e6), st.one_of(st.none(), st.integers(0, 99)))), st.data())
def test_an_anonymous_item_keeps_its_place_and_weight_and_nothing_else(
    rows: list[tuple[str, float, int | None]], data: st.DataObject
) -> None:
    items = [
        Item(key, number, key, weight, outputs=(Output(key, 1, key),), fields={"text": key}, position=position)
        for number, (key, weight, position) in enumerate(rows)
    ]
    gone = data.draw(st.sets(st.sampled_from(range(len(items))))) if items else set()
    redact = anonymous.items(KEY, {number + 7 for number in gone}, first=7)
    for number, item in enumerate(items):
        found = redact(number, item.to_json())
        if number not in gone:
            assert found is None
            continue
        assert found is not None
        now = Item.from_json(found)
        assert (now.ordinal, now.weight, now.position) == (item.ordinal, item.weight, item.position)
        assert (now.media, now.outputs, now.provenance, now.fields) == (None, (), {}, {ANONYMOUS: True})
        assert now.key == now.group == anonymous_key(KEY, number + 7)
        assert is_anonymous(now.key)
        assert redact(number, found) == found


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 9), min_size=1, max_size=3), st.sets(st.integers(0, 5), max_size=2))),
    st.sets(st.integers(0, 9), min_size=1, max_size=3),
)
def test_items_that_share_inputs_or_files_are_affected_together(
    made: list[tuple[set[int], set[int]]], wanted: set[int]
) -> None:
    """Judged by walking from node to node."""
    pairs = [
        (Item(str(number), number, "g", 1.0, outputs=tuple(Output(f"f{file}", 1, "") for file in files)), frozenset(of))
        for number, (of, files) in enumerate(made)
    ]
    items, _, inputs = connected_through_files(pairs, [], set(wanted))
    reached, waiting = set[object](), list[object](wanted)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += _near(node, made)
    assert inputs == {node for node in reached if isinstance(node, int)}
    assert [item.key for item in items] == [str(n) for n in range(len(made)) if f"item{n}" in reached]


def _near(node: object, made: list[tuple[set[int], set[int]]]) -> Iterator[object]:
    for number, (of, files) in enumerate(made):
        around = {f"item{number}", *of, *(f"file{file}" for file in files)}
        if node in around:
            yield from around


def test_an_assembled_file_connects_its_inputs() -> None:
    one, other = (Item(name, number, name, 1.0) for number, name in enumerate("ab"))
    file = Object(key="both.bin", size=1, digest="")
    items, files, inputs = connected_through_files(
        [(one, frozenset({0})), (other, frozenset({1}))], [(file, (0, 1))], {0}
    )
    assert ([item.key for item in items], files, inputs) == (["a", "b"], [file], {0, 1})


@given(TEXT.filter(lambda text: text.strip()), TEXT)
def test_a_name_is_found_as_a_value_and_in_a_text(name: str, other: str) -> None:
    assert Names({name}).mentioned(name)
    assert Names({name}).mentioned(f"of '{name}', again") or not name.strip("\"'`.,;:()[]{}<> ")
    assert not Names(()).mentioned(other)


@pytest.mark.parametrize("text", ["my film.mp4: no video", "cannot read 'my film.mp4'.", "(my film.mp4)"])
def test_a_name_with_spaces_is_found_in_a_text(text: str) -> None:
    assert Names({"my film.mp4"}).mentioned(text)
    assert not Names({"film", "your film.mp4"}).mentioned(text)


def test_an_item_with_a_column_of_that_name_is_not_forgotten() -> None:
    assert not is_forgotten(Item("film", 0, "film", 1.0, fields={ANONYMOUS: True}))
    assert not is_forgotten(Item(anonymous_key(KEY, 0), 0, "film", 1.0))
    assert is_forgotten(Item(anonymous_key(KEY, 0), 0, "film", 1.0, fields={ANONYMOUS: True}))


def test_the_digest_of_a_tombstone_stands_for_source_and_key() -> None:
    digests = {tombstone_digest(source, key) for source in ("a", "ab") for key in ("b", "", "bb")}
    assert len(digests) == 6
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize("key", ["other/0123456789/rows-0-abcd.jsonl", "clips/0123456789/../../other/rows.jsonl"])
def test_a_record_that_names_a_file_elsewhere_leads_to_no_write(key: str, tmp_path: Path) -> None:
    store = open_store(StoreRef(uri=str(tmp_path / "store")), env={})
    data = DataSet(store, DataSetPaths("clips", "0123456789"), scratch=tmp_path)
    victim = tmp_path / "store/other/0123456789"
    victim.mkdir(parents=True)
    (victim / "rows-0-abcd.jsonl").write_bytes(b'{"key": "a"}\n')
    with pytest.raises(StoreDamaged, match="outside of it"):
        rewritten(data, Object(key=key, size=13, digest=""), lambda number, row: {"key": "b"})
    assert [path.name for path in (tmp_path / "store").rglob("*.jsonl")] == ["rows-0-abcd.jsonl"]
