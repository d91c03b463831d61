"""Long files of tests come first, so that no process of pytest-xdist works on one after the others have ended."""

import pytest

from repo.tree import ROOT

pytest_plugins = ["pytester"]

TIMEOUT = "import pytest\npytestmark = [pytest.mark.store, pytest.mark.timeout(900)]\n"
FILES = {
    "test_few_unit": "def test_a(): pass\n",
    "test_many_unit": "def test_a(): pass\ndef test_b(): pass\n",
    "test_store": "import pytest\n@pytest.mark.store\ndef test_a(): pass\ndef test_b(): pass\n",
    "test_long_store": f"{TIMEOUT}def test_a(): pass\n",
}


def test_files_of_demanding_tiers_and_with_long_timeouts_come_before_those_with_many_tests(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'tests'}\nmarkers =\n store: x\n timeout: x\n")
    pytester.makepyfile(**FILES)
    from scheduling import longest_first

    items, _ = pytester.inline_genitems()
    assert [item.nodeid for item in longest_first(items)] == [
        "test_long_store.py::test_a",
        "test_store.py::test_a",
        "test_store.py::test_b",
        "test_many_unit.py::test_a",
        "test_many_unit.py::test_b",
        "test_few_unit.py::test_a",
    ]
