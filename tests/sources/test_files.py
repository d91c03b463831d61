from pathlib import Path

import pytest

from reelmill.contract.errors import NotFound, SpecError
from reelmill_stages.sources.globs import matcher
from source_folders import listed, names, put, reasons


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("**/*.mp4", "a.mp4", True),
        ("**/*.mp4", "x/y/a.MP4", True),
        ("**/*.mp4", "a.mp4.part", False),
        ("*.mp4", "a.mp4", True),
        ("*.mp4", "x/a.mp4", False),
        ("x/**", "x/y/a", True),
        ("x/**", "xy/a", False),
        ("x/", "x/y/a", True),
        ("x/**/a.mp4", "x/a.mp4", True),
        ("x/**/a.mp4", "x/y/z/a.mp4", True),
        ("x/*/a.mp4", "x/y/z/a.mp4", False),
        ("?.mp4", "日.mp4", True),
        ("[a-c].mp4", "b.mp4", True),
        ("[!a-c].mp4", "b.mp4", False),
        ("[!a-c].mp4", "d.mp4", True),
        ("a[b.mp4", "a[b.mp4", True),
        ("a+(1).mp4", "a+(1).mp4", True),
        ("**", "any/thing", True),
        ("**/*.mp4", "/double.mp4", True),
        ("**/*.mp4", "sub//deep.mp4", True),
        ("sub/**", "sub//deep.mp4", True),
        ("*.mp4", "/double.mp4", False),
    ],
)
def test_a_glob_selects_the_expected_files(pattern: str, path: str, matches: bool) -> None:
    assert bool(matcher([pattern]).match(path)) is matches


def test_an_invalid_pattern_is_refused() -> None:
    with pytest.raises(SpecError, match="not a glob pattern"):
        matcher(["[z-a].mp4"])


def test_matching_objects_are_items_in_a_sorted_order(tmp_path: Path) -> None:
    put(tmp_path, "b.mp4", "a/x.MKV", "a.txt", "trash/c.mp4", content=b"12345")
    found = listed("files", uri=tmp_path, exclude=["trash/**"])
    assert [item.key for item in found] == ["a/x.MKV", "b.mp4"]
    assert [item.fields for item in found] == [{"vid": "x", "name": "a_x"}, {"vid": "b", "name": "b"}]
    assert [item.weight for item in found] == [5.0, 5.0]
    assert found[1].media.uri == found[1].group == str(tmp_path / "b.mp4")
    assert found[1].media.size == 5


def test_d14_the_listing_does_not_depend_on_the_order_of_the_folder(tmp_path: Path) -> None:
    parts = [f"{n:02x}.mp4" for n in range(40)]
    one = put(tmp_path / "one", *parts)
    two = put(tmp_path / "two", *reversed(parts))
    assert [item.key for item in listed("files", uri=one)] == [item.key for item in listed("files", uri=two)] == parts


def test_names_of_any_kind_give_safe_and_different_names(tmp_path: Path) -> None:
    put(tmp_path, "a b.mp4", "a_b.mp4", "a_b.mkv", "日本 語.mp4", "x" * 200 + ".mp4", "A_B.webm")
    found = listed("files", uri=tmp_path)
    assert reasons(found) == []
    assert len({name.casefold() for name in names(found)}) == 6
    assert all("." not in name and " " not in name and len(name.encode()) <= 120 for name in names(found))


def test_a_new_file_changes_no_key_and_no_name_that_was_there(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "c.mp4")
    before = {item.key: item.fields["name"] for item in listed("files", uri=tmp_path)}
    put(tmp_path, "b.mp4", "x/a.mp4")
    after = {item.key: item.fields["name"] for item in listed("files", uri=tmp_path)}
    assert before.items() <= after.items()


def test_a_name_with_a_control_character_is_a_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "a\nb.mp4", "c.mp4")
    assert reasons(listed("files", uri=tmp_path)) == ["bad_path"]


def test_a_folder_that_is_missing_is_refused_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    assert listed("files", uri=tmp_path) == []
    with pytest.raises(NotFound, match="no such folder"):
        listed("files", uri=tmp_path / "videso")


def test_tars_are_items_weighed_by_their_bytes(tmp_path: Path) -> None:
    put(tmp_path, "shard-0-0-499-1.tar", "shard-0-0-499-0.TAR", "index.json", content=b"1234")
    found = listed("tars", uri=tmp_path)
    assert names(found) == ["shard-0-0-499-0", "shard-0-0-499-1"]
    assert {item.weight for item in found} == {4.0}
