"""Glob patterns over many paths, matched without backtracking over the ways to split a path.

A pattern becomes one regular expression without nested backtracking: the text between two `*` of a name, and between
two `**` of a path, is matched at its first occurrence (an atomic group). This is enough because a later occurrence
could only leave less room for what follows. `fnmatch.translate` uses the same construction; here it applies to names
and to paths.
"""

import re
from collections.abc import Sequence

from reelmill.contract.errors import SpecError


def matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    """Return one expression for several globs on a path below the prefix; use its `match`. Letter case is ignored.

    `*` and `?` stay within a folder. `**` as a whole part matches any number of folders, including none and folders
    with empty names, which occur in keys of buckets. `[…]` and `[!…]` are sets of characters. A pattern that ends with
    `/` matches everything below that folder.

    Raises SpecError for an invalid pattern.
    """
    for pattern in patterns:
        try:
            re.compile(_path(pattern))
        except re.error as error:
            raise SpecError(
                f"{pattern!r} is not a glob pattern: {error}", hint="write **/*.mp4 or videos/*.mkv"
            ) from error
    return re.compile(f"(?:{'|'.join(map(_path, patterns)) or '(?!)'})\\Z", re.IGNORECASE | re.DOTALL)


def _path(pattern: str) -> str:
    names = [name for name in pattern.split("/") if name]
    if pattern.endswith("/"):
        names.append("**")
    runs: list[list[str]] = [[]]
    for name in names:
        if name != "**":
            runs[-1].append(_name(name))
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    first, *middle, last = runs if len(runs) > 1 else [[], *runs]
    if len(runs) == 1:
        return "/".join(last)
    out = "".join(f"{name}/" for name in first)
    out += "".join(f"(?>(?:[^/]*/)*?{''.join(f'{name}/' for name in run)})" for run in middle)
    return out + (f"(?:[^/]*/)*{'/'.join(last)}" if last else ".+")


def _name(pattern: str) -> str:
    """Translate one name between slashes. It matches only up to a slash or the end of the path."""
    pieces = [""]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        end = pattern.find("]", at + 2)
        if char == "*":
            pieces.append("")
        elif char == "[" and end > 0:
            inner = pattern[at + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            pieces[-1] += f"(?!/)[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
            at = end
        else:
            pieces[-1] += "[^/]" if char == "?" else re.escape(char)
        at += 1
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle if piece) + f"[^/]*{last}(?=/|\\Z)"
