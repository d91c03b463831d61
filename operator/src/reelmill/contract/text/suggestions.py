"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'? `, or nothing where no known name is close."""
    found = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {found[0]!r}? " if found else ""
