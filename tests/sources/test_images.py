"""A COCO-style folder as a source: the integer rule, splits, and ids that come twice."""

from pathlib import Path

import pytest

from reelmill.contract.errors import ItemError, NotFound, SpecError
from reelmill.contract.spec.sources.images import ImagesBlock
from reelmill_stages.sources.earlier_items import content_digest
from reelmill_stages.sources.images import image_id
from source_folders import items, listed, put, reasons

TRAIN = "train2014/COCO_train2014_000000000009.jpg"
VAL = "val2014/COCO_val2014_000000000042.jpg"


class Earlier:
    """What an earlier listing gave: these keys, with what they said."""

    def __init__(self, **said: str) -> None:
        self._said = said

    def keys(self, identity: str):
        return iter([(identity, self._said[identity])] if identity in self._said else [])

    def several(self):
        return iter(())

    def name(self, key: str) -> None:
        return None

    def holder(self, name: str) -> None:
        return None


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("COCO_train2014_000000000009.jpg", 9),
        ("a/b/COCO_val2014_000000581929.jpg", 581929),
        ("000000000009.png", 9),
        ("0.jpg", 0),
        ("x_12.old.jpg", 12),
        ("9223372036854775807.jpg", 2**63 - 1),
    ],
)
def test_004_f02_the_id_is_the_integer_tail_of_the_file_name(name: str, number: int) -> None:
    assert image_id(name) == number == int(name.split("_")[-1].split("/")[-1].split(".")[0])


@pytest.mark.parametrize(
    "name", ["cat.jpg", "COCO_train2014_.jpg", "x_-9.jpg", "x_9a.jpg", "x_٣.jpg", "9223372036854775808.jpg", "1e3.jpg"]
)
def test_004_f02_a_name_without_an_integer_tail_is_refused(name: str) -> None:
    with pytest.raises(ItemError, match="not an integer"):
        image_id(name)


def test_004_f01_an_image_root_and_a_split_name_the_images(tmp_path: Path) -> None:
    put(tmp_path, TRAIN, VAL, "train2014/notes.txt", "train2014/COCO_train2014_000000000010.jpg.part")
    (row,) = listed("images", uri=tmp_path, split="train2014")
    assert (row.key, row.fields["image_id"], row.fields["split"]) == (TRAIN, 9, "train2014")
    assert row.media.uri == str(tmp_path / TRAIN)
    assert len(listed("images", uri=tmp_path)) == 2


def test_004_p2_several_splits_are_one_set(tmp_path: Path) -> None:
    put(tmp_path, TRAIN, VAL, "test2014/COCO_test2014_000000000001.jpg")
    both = listed("images", uri=tmp_path, split="train2014+val2014")
    assert {row.fields["image_id"]: row.fields["split"] for row in both} == {9: "train2014", 42: "val2014"}


def test_ids_that_are_not_integers_are_one_failed_row_each(tmp_path: Path) -> None:
    put(tmp_path, TRAIN, "train2014/cat.jpg", "train2014/dog.jpg")
    found = listed("images", uri=tmp_path)
    assert reasons(found) == ["bad_id", "bad_id"]
    assert [row.key for row in items(found)] == [TRAIN]


def test_two_inputs_of_one_id_are_one_item_and_one_failed_row(tmp_path: Path) -> None:
    put(tmp_path, "a/COCO_train2014_000000000009.jpg", "b/9.jpg")
    found = {row.key: row for row in listed("images", uri=tmp_path)}
    assert found["a/COCO_train2014_000000000009.jpg"].problem is None
    reason, message = found["b/9.jpg"].problem
    assert reason == "duplicate_id"
    assert "a/COCO_train2014_000000000009.jpg" in message


def test_the_file_that_had_an_id_first_keeps_it_when_another_comes(tmp_path: Path) -> None:
    put(tmp_path, "b/9.jpg")
    (first,) = listed("images", uri=tmp_path)
    put(tmp_path, "a/9.jpg")
    before = Earlier(**{"b/9.jpg": content_digest(first.group, first.media, first.fields)})
    found = {row.key: row.problem for row in listed("images", before, uri=tmp_path)}
    assert found["b/9.jpg"] is None
    assert found["a/9.jpg"][0] == "duplicate_id"


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    put(tmp_path, TRAIN, "empty/readme.txt")
    with pytest.raises(NotFound, match="no such folder"):
        listed("images", uri=tmp_path, split="train2017")
    with pytest.raises(SpecError, match="no image in this split"):
        listed("images", uri=tmp_path, split="train2014+empty")


@pytest.mark.parametrize("split", ["../up", "..", "a/b", "a++b", "+a", "a b", ".hidden"])
def test_a_split_is_the_name_of_a_folder(split: str) -> None:
    with pytest.raises(ValueError, match="split"):
        ImagesBlock(uri="/data/images", split=split)
