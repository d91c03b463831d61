"""Glob patterns over many paths, in time that grows with the path and not with the ways to split it.

A pattern becomes one regular expression without nested backtracking: what stands between two `*` of a name, and between
two `**` of a path, is taken where it occurs first (an atomic group), which is enough because a later occurrence could
only leave less room for what follows. This is the construction of `fnmatch.translate`, on names and on paths.
"""

import re
from collections.abc import Sequence

from reelmill.contract.errors import SpecError


def matcher(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for several globs on a path below the prefix; use its `match`. Letter case is ignored.

    `*` and `?` stay within a folder, `**` as a whole part crosses any number of folders (none too, and those
    without a name, which keys in buckets have), `[…]` and `[!…]` are sets of characters, and a pattern that ends with
    `/` means all below that folder.

    Raises SpecError for a pattern that cannot be one.
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
    """One name between slashes. It matches at a slash or at the end of the path only."""
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
