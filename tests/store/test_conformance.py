"""What every store does, whatever it is made of: a folder, MinIO, SeaweedFS, Azurite."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reelmill.contract.errors import KeyRefused, NotFound, PreconditionFailed, StoreError
from reelmill_stages.store import Store
from reelmill_stages.store.probe import MARKER, probe
from store.conftest import Place

NAMES = [
    "plain.txt",
    "with space/and  two.mp4",
    "ünïcödé/日本語/😀.mp4",
    "a+b&c=d?e#f%20g.mp4",
    "quotes'\"<>.mp4",
    "x" * 200 + ".mp4",
    "/".join(["deep"] * 30),
    "_reelmill/pass.json",
    ".hidden",
    "dots...in.name",
]


def keys(store: Store, prefix: str = "") -> list[str]:
    return [stat.key for stat in store.list(prefix)]


@pytest.mark.parametrize("key", NAMES)
def test_what_was_written_under_any_name_is_read_back(store: Store, key: str) -> None:
    written = store.write(key, key.encode())
    found = store.stat(key)
    assert store.read(key) == key.encode()
    assert (found.key, found.size, found.etag) == (key, len(key.encode()), written.etag)
    assert keys(store) == [key]


@pytest.mark.parametrize(
    "key",
    ["", "/absolute", "../up", "a/../b", "a/./b", ".", "..", "nul\0", "line\nbreak", "a//b", "a/", "é" * 513, "\udc80"],
)
def test_a_key_that_could_escape_or_mean_two_things_is_refused(store: Store, key: str) -> None:
    with pytest.raises(StoreError):
        store.write(key, b"")
    assert keys(store) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../b", "nul\0"])
def test_reading_and_deleting_refuse_what_escapes_too(store: Store, key: str, tmp_path: Path) -> None:
    for act in (
        store.stat,
        store.read,
        store.delete,
        lambda k: store.fetch(k, tmp_path),
        lambda k: store.open(k).__enter__(),
    ):
        with pytest.raises(StoreError):
            act(key)


def test_the_name_of_a_part_has_at_most_255_bytes_and_more_is_refused_with_a_hint(store: Store) -> None:
    with pytest.raises(KeyRefused) as error:
        store.write("x" * 300, b"")
    assert error.value.hint


def test_an_empty_object_is_an_object(store: Store, tmp_path: Path) -> None:
    store.write("empty", b"")
    assert store.stat("empty").size == 0
    assert store.read("empty") == b""
    assert store.read("empty", start=5) == b""
    assert store.fetch("empty", tmp_path).read_bytes() == b""
    with store.open("empty") as file:
        assert file.read() == b""


def test_a_write_replaces_what_was_there(store: Store) -> None:
    first = store.write("k", b"one", metadata={"a": "1"})
    second = store.write("k", b"three")
    assert first.etag != second.etag
    assert store.read("k") == b"three"
    assert store.stat("k").metadata == {}


def test_etags_are_those_of_bytes_or_in_azure_and_google_those_of_writes(place: Place) -> None:
    store = place.open()
    is_equal = store.write("a", b"same").etag == store.write("b", b"same").etag
    assert is_equal is (place.kind not in ("azurite", "gcs"))


def test_a_file_is_written_as_its_bytes(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"from a file")
    store.write("k", file)
    assert store.read("k") == b"from a file"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3456"),
        (8, 10, b"89"),
        (10, 1, b""),
        (99, None, b""),
        (0, 0, b""),
    ],
)
def test_a_part_of_an_object_is_read(store: Store, start: int, length: int | None, expected: bytes) -> None:
    store.write("k", b"0123456789")
    assert store.read("k", start=start, length=length) == expected


def test_what_does_not_exist_is_not_found(store: Store, tmp_path: Path) -> None:
    store.write("folder/k", b"")
    for key in ("missing", "folder", "folder/k/below"):
        for act in (store.stat, store.read, lambda k: store.fetch(k, tmp_path), lambda k: store.open(k).__enter__()):
            with pytest.raises(NotFound):
                act(key)
    with pytest.raises(NotFound):
        store.read("missing", length=0)


def test_deleting_is_done_once_and_may_be_repeated(store: Store) -> None:
    store.write("a/b/c", b"")
    store.write("a/d", b"")
    store.delete("a/b/c")
    store.delete("a/b/c")
    store.delete("never/was")
    assert keys(store) == ["a/d"]
    with pytest.raises(NotFound):
        store.stat("a/b/c")
    store.write("a/b", b"a name is free again once what lay below is gone")


def test_metadata_comes_back_as_it_was(store: Store) -> None:
    metadata = {"stage-key": "abc", "item": "ünï 日本 😀 %41 a  b ", "path": "s3://b/k?x=y&z", "quote": "\"'<>\\\t"}
    written = store.write("k", b"x", metadata=metadata)
    assert written.metadata == metadata
    assert store.stat("k").metadata == metadata


@pytest.mark.parametrize(
    "metadata", [{"Upper": "x"}, {"under_score": "x"}, {"": "x"}, {"a": "x" * 2100}, {"a": "é" * 400}]
)
def test_metadata_that_some_store_cannot_carry_is_a_mistake_of_the_caller(
    store: Store, metadata: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="metadata"):
        store.write("k", b"x", metadata=metadata)


def test_keys_are_listed_in_order_of_their_bytes(store: Store) -> None:
    names = ["A", "a b", "a-b", "a.b", "a/b/c", "a/x", "a0", "ab", "b", "ä", "�", "😀", "l/a/x", "l/a-b", "l/a.b"]
    for name in reversed(names):
        store.write(name, b"")
    assert keys(store) == sorted(names, key=str.encode)


def test_a_prefix_is_a_beginning_of_the_key_not_a_folder(store: Store) -> None:
    for name in ("a/b", "a/bc", "a/b-/x", "a/b0/c", "a/c", "ab"):
        store.write(name, b"")
    store.delete("a/b")
    store.write("a/b/c", b"")
    assert keys(store, "a/b") == ["a/b-/x", "a/b/c", "a/b0/c", "a/bc"]
    assert keys(store, "a/b/") == ["a/b/c"]
    assert keys(store, "a/") == ["a/b-/x", "a/b/c", "a/b0/c", "a/bc", "a/c"]
    assert keys(store, "a") == ["a/b-/x", "a/b/c", "a/b0/c", "a/bc", "a/c", "ab"]
    assert keys(store, "nothing") == []
    assert keys(store, "a/nothing/") == []


def test_a_listing_says_what_stat_says(store: Store) -> None:
    store.write("k", b"abc", metadata={"a": "1"})
    (listed,) = store.list()
    found = store.stat("k")
    assert (listed.size, listed.etag) == (found.size, found.etag)
    assert abs(listed.modified - found.modified) < 2


def test_listings_continue_past_a_thousand_keys(place, store: Store) -> None:
    count = 400 if place.kind == "local" else 1103  # only servers give pages
    names = [f"n/{number // 97:02d}/{number:05d}" for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.write(name, b""), names))
    assert keys(store) == names
    assert keys(store, "n/03/") == names[3 * 97 : 4 * 97]


def test_a_listing_may_be_written_into_and_deleted_from(store: Store) -> None:
    for name in ("a", "b", "c"):
        store.write(name, b"")
    for stat in store.list():
        store.delete(stat.key)
        store.write(f"{stat.key}/new", b"")
    assert set(keys(store)) >= {"a/new", "b/new"}


def test_create_demands_that_nothing_is_there(store: Store) -> None:
    store.write("k", b"one", create=True, metadata={"who": "first"})
    with pytest.raises(PreconditionFailed):
        store.write("k", b"two", create=True, metadata={"who": "second"})
    with pytest.raises(PreconditionFailed):
        store.write("k", b"one", create=True, metadata={"who": "first"})
    assert store.read("k") == b"one"
    assert store.stat("k").metadata == {"who": "first"}
    store.delete("k")
    store.write("k", b"again", create=True)


def test_if_match_demands_the_version_that_was_read(store: Store) -> None:
    first = store.write("k", b"one")
    second = store.write("k", b"two", if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        store.write("k", b"three", if_match=first.etag)
    assert store.read("k") == b"two"
    store.write("k", b"three", if_match=second.etag)
    with pytest.raises(PreconditionFailed):
        store.write("missing", b"x", if_match=first.etag)
    assert keys(store) == ["k"]


def test_reads_demand_the_version_that_was_listed(store: Store, tmp_path: Path) -> None:
    old = store.write("k", b"one").etag
    assert store.read("k", if_match=old) == b"one"
    assert store.fetch("k", tmp_path, if_match=old).read_bytes() == b"one"
    store.write("k", b"two")
    for act in (store.read, lambda k, if_match: store.fetch(k, tmp_path, if_match=if_match)):
        with pytest.raises(PreconditionFailed):
            act("k", if_match=old)
    with pytest.raises(PreconditionFailed), store.open("k", if_match=old):
        pass
    with pytest.raises(PreconditionFailed):
        store.read("k", length=0, if_match=old)


def test_create_and_if_match_exclude_each_other(store: Store) -> None:
    with pytest.raises(ValueError, match="exclude"):
        store.write("k", b"", create=True, if_match="x")


def test_a_fetched_file_keeps_its_extension(store: Store, tmp_path: Path) -> None:
    store.write("a/clip one.MP4", b"x")
    assert store.fetch("a/clip one.MP4", tmp_path).suffix == ".MP4"


def test_the_probe_accepts_it_cleans_up_and_asks_only_once(place, store: Store) -> None:
    probe(store, place.open())
    assert keys(store) == [MARKER]
    etag = store.stat(MARKER).etag
    probe(place.open())
    assert keys(store) == [MARKER]
    assert store.stat(MARKER).etag == etag


def test_a_moved_object_has_its_bytes_and_metadata_under_the_new_key(store: Store) -> None:
    store.write("a/k", b"body", metadata={"who": "me ü"})
    store.move("a/k", "b/c/k")
    assert keys(store) == ["b/c/k"]
    assert store.read("b/c/k") == b"body"
    assert store.stat("b/c/k").metadata == {"who": "me ü"}


def test_a_move_replaces_nothing_and_needs_something_to_move(store: Store) -> None:
    store.write("one", b"1")
    store.write("two", b"2")
    with pytest.raises(PreconditionFailed):
        store.move("one", "two")
    with pytest.raises(NotFound):
        store.move("none", "three")
    assert [store.read(key) for key in ("one", "two")] == [b"1", b"2"]
