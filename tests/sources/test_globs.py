"""Globs against a matcher that tries everything, and against patterns that made one hang."""

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.sources.globs import matcher

NAMES = st.text("ab_.", min_size=1, max_size=5)
FOLDERS = st.lists(st.one_of(NAMES, st.just("")), max_size=4)
PATHS = st.builds(lambda folders, name: "/".join([*folders, name]), FOLDERS, NAMES)
"""Keys in a bucket may have folders without a name."""
PARTS = st.one_of(st.just("**"), st.text("ab_.*?", min_size=1, max_size=5).filter(lambda part: part != "**"))
PATTERNS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


def tried(pattern: str, path: str) -> bool:
    """Every way to lay the pattern over the path, one after the other."""
    parts, names = pattern.split("/"), path.split("/")

    @cache
    def below(part: int, name: int) -> bool:
        if part == len(parts):
            return name == len(names)
        if parts[part] == "**":
            if part == len(parts) - 1:
                return name < len(names)
            return below(part + 1, name) or (name < len(names) and below(part, name + 1))
        return name < len(names) and one(parts[part], names[name]) and below(part + 1, name + 1)

    return below(0, 0)


@cache
def one(part: str, name: str) -> bool:
    if not part:
        return not name
    if part[0] == "*":
        return one(part[1:], name) or (bool(name) and one(part, name[1:]))
    return bool(name) and part[0] in ("?", name[0]) and one(part[1:], name[1:])


@given(PATTERNS, PATHS)
def test_a_glob_matches_what_a_matcher_that_tries_everything_finds(pattern: str, path: str) -> None:
    assert bool(matcher([pattern]).match(path)) is tried(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*_*_*_*_*_*_*_*_*_*_*_*.mp4", "_" * 4000 + "x"),
        ("**/*a*/**/*a*/**/*a*/**/b", "a/" * 500 + "x"),
        ("/".join(["**", "*"] * 12) + "/y", "a/" * 500 + "x"),
    ],
)
def test_a_long_name_and_many_stars_end(pattern: str, path: str) -> None:
    assert not matcher([pattern]).match(path)


def test_a_folder_with_a_slash_means_all_below_it_and_no_folder_of_a_longer_name() -> None:
    folder = matcher(["videos/"])
    assert folder.match("videos/a.mp4")
    assert folder.match("videos/day/a.mp4")
    assert not folder.match("videos2/a.mp4")


def test_the_expression_has_no_repeat_within_a_repeat() -> None:
    assert not re.search(r"\*\)\*|\+\)\+", matcher(["a*b/**/c*d*e/**/f"]).pattern)
