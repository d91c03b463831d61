"""The section of a version in a changelog, and what keeps a checkout from being a release."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from repo.tree import ROOT

sys.path.append(str(ROOT / "release"))
import notes
from source import ReleaseProblem, semantic

CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2027-01-31

### Added

- This.

## [0.1.0]

- That.
"""


def test_a_section_ends_where_the_next_one_begins() -> None:
    assert notes.section(CHANGELOG, "0.2.0") == "## [0.2.0] - 2027-01-31\n\n### Added\n\n- This.\n"
    assert notes.section(CHANGELOG, "0.1.0") == "## [0.1.0]\n\n- That.\n"


def test_a_finished_changelog_is_taken() -> None:
    notes.check(CHANGELOG, "0.2.0")
    notes.check(CHANGELOG.replace("## [Unreleased]\n\n", ""), "0.2.0")


@pytest.mark.parametrize(
    ("text", "version", "told"),
    [
        (CHANGELOG, "0.3.0", r"no section \[0.3.0\]"),
        (CHANGELOG, "0.1.0", "has no date"),
        (CHANGELOG.replace("[Unreleased]", "[Unreleased]\n\n- More."), "0.2.0", "lists changes under Unreleased"),
    ],
)
def test_an_unfinished_changelog_is_refused_with_what_to_do(text: str, version: str, told: str) -> None:
    with pytest.raises(ReleaseProblem, match=told):
        notes.check(text, version)


def test_versions_of_candidates_are_written_by_semantic_versioning() -> None:
    assert [semantic(each) for each in ("0.2.0", "0.2.0rc1", "0.2.0b2", "1.0.0a3")] == [
        "0.2.0",
        "0.2.0-rc.1",
        "0.2.0-b.2",
        "1.0.0-a.3",
    ]
    assert semantic("0.2.0.dev3") == "0.2.0-0.dev.3"
    assert semantic("0.2.0.post1") == "0.2.0+post.1"


@pytest.mark.parametrize(
    "text", ["0.2", "1!0.2.0", "0.2.0+local", "0.2.0rc1.post1", "0.2.0.post1.dev2", "0.2.0rc0.dev1"]
)
def test_a_version_that_has_no_semantic_form_is_refused(text: str) -> None:
    with pytest.raises(ReleaseProblem, match=r"no version of a release|cannot be written"):
        semantic(text)


def identifiers(text: str) -> tuple[object, ...]:
    """What semver.org compares: the numbers, then the words before a release; a release comes after all of them."""
    plain, _, _ = text.partition("+")
    number, _, before = plain.partition("-")
    words = tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in before.split(".") if before)
    return (*map(int, number.split(".")), not before, words)


NUMBERS = st.integers(0, 30)
VERSIONS = st.builds(
    lambda minor, before, dev: f"0.{minor}.0{before}{dev}",
    st.integers(0, 2),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), st.integers(1, 30)),
    st.just("") | st.builds(".dev{}".format, NUMBERS),
)


@given(VERSIONS, VERSIONS)
def test_semantic_versions_sort_as_versions_of_python_do(one: str, other: str) -> None:
    assert (Version(one) < Version(other)) == (identifiers(semantic(one)) < identifiers(semantic(other)))
