r"""Escaping of text for terminals: file names, captions and messages of servers may contain control characters.

Escape sequences overwrite the screen, line breaks forge lines, and directional overrides (RLO and others) reverse the
text after them. They are shown as Python escapes: `\x1b`, `\n`, `\u202e`. Letters of every script, combining marks and
joined emoji are not changed.
"""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, format, surrogates, separators of lines and paragraphs."""
_JOINERS = "\u200c\u200d"


def printable(text: str, *, keep: str = "") -> str:
    """The text with control and format characters escaped, except those in `keep` (line breaks, tabs)."""
    if text.isprintable():
        return text
    return "".join(_escaped(one) if _is_hidden(one) and one not in keep else one for one in text)


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """The value as JSON, unchanged, with control and format characters written as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    if text.isprintable():
        return text
    # Only strings contain such characters, except line breaks of the indentation, which json escapes in strings.
    return "".join(_in_json(one) if _is_hidden(one) and one != "\n" else one for one in text)


def _is_hidden(one: str) -> bool:
    return unicodedata.category(one) in _HIDDEN and one not in _JOINERS


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode()


def _in_json(one: str) -> str:
    return json.dumps(one)[1:-1]
