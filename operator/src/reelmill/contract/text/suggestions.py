"""Suggestions for names that do not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? `, or an empty string if no known name is similar."""
    found = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {found[0]!r}? " if found else ""
