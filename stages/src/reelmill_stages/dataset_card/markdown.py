"""Markdown from untrusted text: tables and code blocks that show it verbatim. Pure functions."""

import html
import re
from collections.abc import Iterable, Sequence

from reelmill.contract.text.terminal import printable

_SPECIAL = re.compile(r"([\\`*_\[\]#|~])")
_ADDRESS = re.compile(r"://|(?<=www)\.(?=\S)|@", re.IGNORECASE)
_TICKS = re.compile("`+")


def inline(text: str) -> str:
    """The text on one line, without markup, HTML, autolinks and control characters."""
    plain = _SPECIAL.sub(r"\\\1", printable(text))
    return _ADDRESS.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", html.escape(plain, quote=False))


def code_block(text: str, language: str = "") -> str:
    """The text as a code block, with a fence that does not occur in it."""
    fence = "`" * max(3, 1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    return f"{fence}{language}\n{printable(text, keep=chr(10) + chr(9)).rstrip()}\n{fence}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> str:
    """A table; `right` has a letter `r` for each right-aligned column. Cells are Markdown."""
    rules = ["---:" if mark == "r" else "---" for mark in right.ljust(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rules, *rows))
