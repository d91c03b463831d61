"""A source that grows: what was listed keeps its key and its name, whatever comes later."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Media
from reelmill_stages.file_names import folded
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import content_digest
from reelmill_stages.sources.listing.drafts import RowDraft
from reelmill_stages.sources.listing.settle import settled
from source_folders import items, listed, names, put, put_json


@dataclass
class Memory:
    """What the listings so far gave, as the runtime knows it."""

    rows: dict[str, Listed] = field(default_factory=dict)

    def look(self, found: Iterable[Listed]) -> list[Listed]:
        """Take a listing in; the rows that are new."""
        new = [row for row in found if row.key not in self.rows or (self.rows[row.key].problem and not row.problem)]
        self.rows |= {row.key: row for row in new}
        return new

    def keys(self, identity: str) -> Iterator[tuple[str, str]]:
        for key, row in self.rows.items():
            if key == identity or key.startswith(f"{identity}~"):
                yield key, "" if row.problem else content_digest(row.group, row.media, row.fields)

    def several(self) -> Iterator[str]:
        yield from {key.rpartition("~")[0] for key in self.rows if "~" in key}

    def name(self, key: str) -> str | None:
        row = self.rows.get(key)
        return None if row is None or row.problem else row.fields.get("name")

    def holder(self, name: str) -> tuple[str, str] | None:
        for key, row in self.rows.items():
            if not row.problem and "name" in row.fields and folded(row.fields["name"]) == folded(name):
                return key, row.fields["name"]
        return None


def draft(about: str, row: str, stem: str, *, missing: bool = False) -> RowDraft:
    media = None if missing else Media(f"/{about}.mp4", 1)
    problem = ("missing", "no file") if missing else None
    return RowDraft(about, row * 32, "g", 1.0, media, {"says": row}, stem=stem, problem=problem)


DRAFTS = st.lists(
    st.builds(
        draft,
        st.sampled_from(["x", "y", "z", "w"]),
        st.sampled_from("abcd"),
        st.sampled_from(["s", "S", "t"]),
        missing=st.sampled_from([False, False, True]),
    ),
    max_size=8,
    unique_by=lambda made: (made.identity, made.row),
)


@given(st.lists(DRAFTS, min_size=1, max_size=4))
def test_what_was_listed_once_stays_as_it_was_named(waves: list[list[RowDraft]]) -> None:
    memory, all_drafts = Memory(), {}
    for wave in waves:
        all_drafts |= {(made.identity, made.row): made for made in wave if (made.identity, made.row) not in all_drafts}
        before = dict(memory.rows)
        found = list(settled(all_drafts.values(), memory))
        memory.look(found)
        assert {row.key for row in found} == set(memory.rows)
        assert all(memory.rows[row.key] == row for row in items(found))
        assert all(memory.rows[key] == row for key, row in before.items() if not row.problem)
        assert len(found) == len(all_drafts)
        given_names = [row.fields["name"] for row in items(memory.rows.values())]
        assert len({folded(name) for name in given_names}) == len(given_names)


@given(DRAFTS, DRAFTS)
def test_names_of_vanished_items_are_not_given_again(first: list[RowDraft], second: list[RowDraft]) -> None:
    memory = Memory()
    memory.look(settled(first, memory))
    memory.look(settled(second, memory))
    given_names = [row.fields["name"] for row in items(memory.rows.values())]
    assert len({folded(name) for name in given_names}) == len(given_names)


def test_a_later_row_about_the_same_thing_gets_the_key_with_its_digest() -> None:
    memory = Memory()
    memory.look(settled([draft("x", "b", "s")], memory))
    (new,) = memory.look(settled([draft("x", "a", "s"), draft("x", "b", "s")], memory))
    assert (new.key, memory.rows["x"].fields["says"]) == ("x~aaaaaaaa", "b")
    assert memory.rows["x"].fields["name"] == "s"
    assert new.fields["name"] != "s"


def test_of_two_rows_about_one_thing_the_one_that_stays_keeps_its_key() -> None:
    memory = Memory()
    memory.look(settled([draft("x", "a", "s"), draft("x", "b", "s")], memory))
    assert set(memory.rows) == {"x~aaaaaaaa", "x~bbbbbbbb"}
    assert [row.key for row in settled([draft("x", "b", "s")], memory)] == ["x~bbbbbbbb"]


def test_copies_of_a_row_keep_their_keys_when_another_row_comes() -> None:
    memory = Memory()
    one, two = draft("x", "b", "s"), draft("x", "a", "s")
    memory.look(settled([one, one], memory))
    new = memory.look(settled([one, one, two], memory))
    assert [row.key for row in new] == ["x~aaaaaaaa"]


def test_a_changed_row_keeps_its_key_so_that_it_reads_as_changed() -> None:
    memory = Memory()
    memory.look(settled([draft("x", "a", "s")], memory))
    assert [row.key for row in settled([draft("x", "c", "s")], memory)] == ["x"]


def test_a_clip_that_comes_later_takes_no_name_that_was_given(tmp_path: Path) -> None:
    put(tmp_path, "videos/v.mp4")
    rows = [{"vid": "v", "transcript": "x", "begin": 1.7, "end": 4.2}]
    memory = Memory()

    def clips() -> list[Listed]:
        path = put_json(tmp_path / "m.json", rows)
        return memory.look(listed("clip4mc", memory, metadata=path, videos=tmp_path / "videos"))

    assert names(clips()) == ["v_1_4"]
    rows.insert(0, {"vid": "v", "transcript": "x", "begin": 1.2, "end": 4.1})
    (name,) = names(clips())
    assert name.startswith("v_1_4-")
