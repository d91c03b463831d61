"""IIANet's lists as a source: each npz once, splits kept, whatever is wrong with a row is one row."""

from pathlib import Path
from typing import Any

import pytest

from lip_crops import lip_set, read_list, write_crops, write_list
from reelmill.contract.errors import SpecError
from reelmill_stages.sources.earlier_items import content_digest
from source_folders import items, listed, reasons


def lips(folder: Path, **more: Any) -> list[Any]:
    return listed("lips", lists=folder / "lists", root=folder, **more)


def rewritten(folder: Path, rows: list[list[Any]], speaker: str = "s1", split: str = "tr") -> Path:
    write_list(folder, split, speaker, rows)
    return folder


def test_003_f01_the_lists_and_their_root_are_all_that_is_named(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr",), rows=2)
    found = items(lips(tmp_path))
    assert [item.key for item in found] == [
        f"mouths/tr/{name}.npz" for name in ("A_00000", "A_00001", "B_00000", "B_00001")
    ]
    first = found[0]
    assert first.media.uri == first.group == str(tmp_path / "mouths/tr/A_00000.npz")
    assert first.fields["vid"] == "A_00000"
    assert first.fields.keys() == {"vid", "name"}
    wav = "spkA_00000_1_spkB_00000_-1.wav"
    assert first.rows == (
        {"split": "tr", "speaker": "s1", "row": 0, "wav": f"/audio/tr/s1/{wav}", "samples": 32000,
         "mix": f"/audio/tr/mix/{wav}", "mix_samples": 32000},
    )  # fmt: skip


def test_003_f02_each_split_is_read_alone_or_all_of_those_that_are_there(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr", "tt"), rows=1)
    assert {key.split("/")[1] for key in (item.key for item in lips(tmp_path))} == {"tr", "tt"}
    assert {item.key.split("/")[1] for item in lips(tmp_path, splits=["tt"])} == {"tt"}
    with pytest.raises(SpecError, match="no such file"):
        lips(tmp_path, splits=["cv"])


def test_a_file_that_many_rows_name_is_one_item_with_all_of_them(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr", "cv"), rows=2)
    rewritten(tmp_path, [[wav, "mouths/tr/A_00000.npz", n] for wav, _, n in read_list(tmp_path, "tr", "s1")])
    shared = [["w.wav", "mouths/tr/A_00000.npz", 9], *read_list(tmp_path, "cv", "s2")[1:]]
    rewritten(tmp_path, shared, "s2", "cv")
    one = next(item for item in lips(tmp_path) if item.key == "mouths/tr/A_00000.npz")
    told = [(row["split"], row["speaker"], row["row"], row["samples"]) for row in one.rows]
    assert told == [("tr", "s1", 0, 32000), ("tr", "s1", 1, 32000), ("cv", "s2", 0, 9)]


def test_003_f07_a_missing_file_is_one_row_that_names_it_and_the_rest_continue(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr",), rows=2)
    (tmp_path / "mouths/tr/A_00001.npz").unlink()
    found = lips(tmp_path)
    assert reasons(found) == ["missing"]
    assert len(items(found)) == 3
    (lost,) = [row for row in found if row.problem]
    assert "A_00001.npz" in lost.problem[1]
    assert lost.rows == ({"split": "tr", "speaker": "s1", "row": 1},)


@pytest.mark.parametrize(
    "path",
    ["/elsewhere/lrs2/mouths/tr/A_00000.npz", "s3://old/lrs2/mouths/tr/A_00000.npz", "mouths/tr/./A_00000.npz"],
)
def test_a_path_of_another_machine_is_found_by_as_much_of_its_end_as_there_is(tmp_path: Path, path: str) -> None:
    lip_set(tmp_path, ("tr",), rows=1)
    rewritten(tmp_path, [["w.wav", path, 32000]])
    assert {item.key for item in lips(tmp_path)} == {"mouths/tr/A_00000.npz", "mouths/tr/B_00000.npz"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["w.wav"], "bad_row"),
        ("w.wav", "bad_row"),
        (["w.wav", "a.npz", 1, 2], "bad_row"),
        (["w.wav", "mouths/tr/A_00000.npz", "many"], "bad_row"),
        (["w.wav", "mouths/tr/A_00000.npz", -1], "bad_row"),
        ([3, "mouths/tr/A_00000.npz", 1], "bad_row"),
        (["\udcff.wav", "mouths/tr/A_00000.npz", 1], "bad_value"),
        (["w.wav", None, 1], "bad_path"),
        (["w.wav", "../A.npz", 1], "bad_path"),
        (["w.wav", "mouths/tr/A_00000.npy", 1], "bad_path"),
        (["w.wav", "/none/such.npz", 1], "missing"),
    ],
)
def test_a_wrong_row_is_one_failed_row(tmp_path: Path, row: Any, reason: str) -> None:
    lip_set(tmp_path, ("tr",), rows=1)
    found = lips(rewritten(tmp_path, [row]))
    assert reasons(found) == [reason]
    assert [item.key for item in items(found)] == ["mouths/tr/B_00000.npz"]


def test_a_wrong_mixture_fails_the_rows_of_both_speakers(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr",), rows=2)
    rewritten(tmp_path, [["mix.wav", None], ["\udcff.wav", 1]], "mix")
    assert sorted(reasons(lips(tmp_path))) == ["bad_row", "bad_row", "bad_value", "bad_value"]


def test_lists_of_unequal_length_are_refused_because_no_row_can_be_trusted(tmp_path: Path) -> None:
    lip_set(tmp_path, ("tr",), rows=2)
    rewritten(tmp_path, read_list(tmp_path, "tr", "s1")[:1])
    with pytest.raises(SpecError, match=r"mix.json has 2 rows, s1.json has 1 row"):
        lips(tmp_path)


def test_a_folder_without_any_split_is_refused(tmp_path: Path) -> None:
    write_crops(tmp_path / "mouths/a.npz")
    with pytest.raises(SpecError, match="has no splits"):
        lips(tmp_path)


def test_rows_are_no_part_of_an_item_in_whatever_form_it_was_listed(tmp_path: Path) -> None:
    (first, *_) = items(lips(lip_set(tmp_path, ("tr",), rows=1)))
    again = [["w.wav", "mouths/tr/A_00000.npz", 9], ["v.wav", "mouths/tr/A_00000.npz", 9]]
    lip_set(tmp_path, ("tr",), rows=2)
    (grown, *_) = items(lips(rewritten(tmp_path, again)))
    assert (len(first.rows), len(grown.rows)) == (1, 2)
    as_0_1_0_did = {**first.fields, "lists": [*first.rows], "list_sizes": {"tr": 1}}
    told = [content_digest(first.group, first.media, fields) for fields in (first.fields, grown.fields, as_0_1_0_did)]
    assert told[0] == told[1] == told[2]
    assert content_digest(first.group, first.media, {**first.fields, "lists": "a column of a table"}) != told[0]
