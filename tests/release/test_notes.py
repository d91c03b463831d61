"""The section of a version in a changelog, and what keeps a checkout from being a release."""

import sys

import pytest

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
