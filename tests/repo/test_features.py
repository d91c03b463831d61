"""The page of features says what the tests' names say."""

from pathlib import Path

import pytest
import yaml

import features
from features import Mark


def test_the_page_of_features_is_fresh() -> None:
    assert features.PAGE.read_text() == features.page(), "run make generate"


def test_no_test_claims_a_line_that_there_is_not() -> None:
    assert not features.unknown()


def test_every_reason_for_an_open_line_is_about_one_that_is_open() -> None:
    data = yaml.safe_load(features.DATA.read_text())
    proven = {str(mark) for mark in features.proofs()}
    assert set(data["open"]) <= {str(mark) for mark in features.lines(data)} - proven


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("test_000_f07_a_sample", [Mark("000", "f", 7)]),
        ("test_000_f02_f22_a", [Mark("000", "f", 2), Mark("000", "f", 22)]),
        ("test_000_f01_and_f02_a", [Mark("000", "f", 1), Mark("000", "f", 2)]),
        ("test_001_f03_and_d12_a", [Mark("001", "f", 3), Mark("", "d", 12)]),
        ("test_d4_a_clip", [Mark("", "d", 4)]),
        ("test_002_p1_a", [Mark("002", "p", 1)]),
        ("test_000_f04_001_f02_a", [Mark("000", "f", 4), Mark("001", "f", 2)]),
        ("test_f16_is_no_feature_without_a_system", []),
        ("test_a_d4_later_in_a_name_says_nothing", []),
        ("helper_000_f07", []),
    ],
)
def test_a_name_says_what_it_proves(name: str, wanted: list[Mark]) -> None:
    assert list(features.marks(name)) == wanted


def test_tests_are_found_without_running_them(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("import nothing\n\nclass T:\n    async def test_d7_a(self): ...\n")
    (tmp_path / "other.py").write_text("def test_d8_a(): ...\n")
    assert features.proofs(tmp_path) == {Mark("", "d", 7): {tmp_path / "test_x.py"}}
