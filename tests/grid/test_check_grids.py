"""The check of grid features: good files pass, and each rule is found broken by its name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from grid.broken_grids import BROKEN, GRIDS, MORE, labelled, labels
from grid.gallery import feature_file, features
from reelmill_stages.commands.check import check
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.grid import rules
from reelmill_stages.stages.grid.check import GridsCheck
from reelmill_stages.stages.grid.keys import key, parsed

pytestmark = pytest.mark.store  # needs no server, but reads each file in a process of its own

CASES = [*BROKEN.items(), *MORE]


def found(folder: Path) -> list[Finding]:
    return list(GridsCheck().check(folder))


def wrong(findings: list[Finding]) -> set[str]:
    """The rules that are broken."""
    return {finding.rule for finding in findings if not finding.ok}


def told(findings: list[Finding]) -> dict[str, str]:
    """Rule -> the message of its first finding."""
    return {finding.rule: finding.message for finding in reversed(findings)}


@pytest.mark.parametrize(("rule", "make"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_a_broken_rule_is_found_by_its_name(rule: str, make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path)
    assert GridsCheck().detect(tmp_path)
    findings = found(tmp_path)
    assert wrong(findings) == {rule} | ({"count"} if rule in ("key_name", "leading_zeros") else set())
    assert all(finding.message for finding in findings)


def test_every_rule_has_a_broken_file() -> None:
    assert set(BROKEN) == {
        word.strip("`.") for word in rules.__doc__.replace(",", "").replace(";", "").split() if "`" in word
    }


@pytest.mark.parametrize("kind", ["hdf5", "npz", "lmdb"])
def test_004_f06_a_good_file_passes_and_its_number_shape_dtype_and_range_are_reported(
    kind: str, tmp_path: Path
) -> None:
    feature_file(tmp_path / f"grids.{kind}", kind=kind)
    findings = found(tmp_path)
    messages = told(findings)
    assert wrong(findings) == set()
    assert messages["count"] == "3 images"
    assert messages["shape"] == "(49, 768) float32"
    low, high = map(float, messages["value_range"].split(" to "))
    values = np.stack([array for _, array in features()])
    assert (low, high) == (round(float(values.min()), 3), round(float(values.max()), 3))


def test_the_check_is_reached_by_its_name_and_by_detection(tmp_path: Path) -> None:
    feature_file(tmp_path / GRIDS)
    assert {row.format for row in check(tmp_path)} == {"grids"}
    assert all(row.ok for row in check(tmp_path, ["grids"]))
    assert not GridsCheck().detect(tmp_path.parent / "nowhere")


def test_parts_beside_a_merged_file_are_not_checked(tmp_path: Path) -> None:
    feature_file(tmp_path / GRIDS)
    (tmp_path / "0001").mkdir()
    (tmp_path / "0001/features-000000000.hdf5").write_bytes(b"torn")
    assert {finding.file for finding in found(tmp_path)} == {GRIDS}


def test_parts_alone_are_looked_at_one_by_one(tmp_path: Path) -> None:
    for first in (0, 1000):
        feature_file(tmp_path / f"0001/features-{first:09d}.hdf5", features(2, first=first + 1))
    findings = found(tmp_path)
    assert {finding.file for finding in findings} == {
        "0001/features-000000000.hdf5", "0001/features-000001000.hdf5",
    }  # fmt: skip
    assert wrong(findings) == set()


def test_d24_the_numbers_of_cocos_splits_are_those_of_the_splits(tmp_path: Path) -> None:
    assert rules.COCO["train2014"] == 82_783
    assert rules.COCO["train2017"] == 118_287
    assert rules.COCO["train2014"] + rules.COCO["val2014"] == 123_287
    feature_file(tmp_path / GRIDS, splits=json.dumps({"train2014": 2, "val2014": 1}))
    assert told(found(tmp_path))["count"] == "3 images (2 of 82,783 train2014, 1 of 40,504 val2014)"


def test_d26_a_file_is_read_by_the_names_of_images_and_not_by_whatever_comes_first(tmp_path: Path) -> None:
    with h5py.File(feature_file(tmp_path / GRIDS), "r+") as file:
        file["!first"] = np.zeros(3)
    assert wrong(found(tmp_path)) == {"key_name"}
    shutil.rmtree(tmp_path)
    labelled(tmp_path, labels(1, 2, 3))
    findings = found(tmp_path)
    assert wrong(findings) == set()
    assert told(findings)["shape"] == "(49, 768) float32"
    with h5py.File(tmp_path / GRIDS) as file:
        assert [parsed(name) for name in file] == [(1, "grids"), (2, "grids"), (3, "grids")]
        assert file.attrs["model"] == "ViT-B-16"


def test_004_p3_labels_are_one_class_number_per_patch_in_a_file_of_their_own(tmp_path: Path) -> None:
    labelled(tmp_path, labels(1, 2, 3))
    findings = found(tmp_path)
    assert wrong(findings) == set()
    shapes = [finding.message for finding in findings if finding.rule == "shape"]
    assert shapes == ["(49, 768) float32", "(196,) int64"]


def test_004_p6_a_row_that_the_reader_would_take_for_padding_is_found(tmp_path: Path) -> None:
    BROKEN["zero_rows"](tmp_path)
    assert "padding" in told(found(tmp_path))["zero_rows"]
    assert key(2) in h5py.File(tmp_path / GRIDS)
