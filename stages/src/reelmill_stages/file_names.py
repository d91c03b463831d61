"""File names made of ids and titles that come from outside: safe everywhere, unique, and the same every time.

Pure functions. A stem is a file name without its extension. It has no dot (webdataset cuts keys at the first one), no
slash, space or control character, keeps the letters and digits of every script, and is at most `STEM_BYTES` long.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

STEM_BYTES = 120
"""File systems allow 255 bytes for a name; stages add prefixes, suffixes and extensions of their own."""

_DIGITS = 8
_PLAIN = re.compile(r"[\w-]+", re.ASCII)
_NOTHING: Mapping[str, str] = MappingProxyType({})


def safe_stem(text: str) -> str:
    """A safe stem for any text. What is safe already stays as it is; a longer one is cut and gets a digest.

    Different texts may give one stem: `told_apart` is for that.
    """
    return _fitted(_replaced(text), text, STEM_BYTES)


def clip_stem(vid: str, start: float, end: float) -> str:
    """`{vid}_{int(start)}_{int(end)}`, the name of a clip. A long id is cut, the times never. Both must be finite."""
    tail = f"_{int(start)}_{int(end)}"
    return _fitted(_replaced(vid), vid, STEM_BYTES - len(tail)) + tail


def told_apart(stems: Iterable[tuple[str, str]], taken: Mapping[str, str] = _NOTHING) -> dict[str, str]:
    """Key -> name for pairs of (key, stem), in the order given, no two names alike (letter case does not count).

    Of several keys with one stem the smallest keeps it and the others get a suffix made of their key, so the result
    does not depend on the order. `taken` are the names of keys that were named before: they keep theirs.
    Raises ValueError when a key comes twice.
    """
    wanted: dict[str, str] = {}
    for key, stem in stems:
        if key in wanted:
            raise ValueError(f"key {key!r} comes twice")
        wanted[key] = stem
    names = dict(wanted)
    used = {folded(name) for name in taken.values()}
    crowded = []
    for key in sorted(wanted):
        if key in taken:
            names[key] = taken[key]
        elif (identity := folded(wanted[key])) in used:
            crowded.append(key)
        else:
            used.add(identity)
    for key in crowded:
        names[key] = _suffixed(wanted[key], key, used)
        used.add(folded(names[key]))
    return names


def _replaced(text: str) -> str:
    """Runs of unsafe characters become one underscore each. NFC: one spelling of each letter."""
    if _PLAIN.fullmatch(text):
        return text
    out: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        safe = char in "-_" or unicodedata.category(char)[0] in "LNM"
        if safe:
            out.append(char)
        elif not out or out[-1] != "_":
            out.append("_")
    return "".join(out) or "_"


def _fitted(stem: str, text: str, room: int) -> str:
    if len(stem.encode()) <= room:
        return stem
    suffix = f"-{_digest(text, _DIGITS)}"
    return _cut(stem, room - len(suffix)) + suffix


def _suffixed(stem: str, key: str, used: set[str]) -> str:
    for digits in range(_DIGITS, 65):
        suffix = f"-{_digest(key, digits)}"
        name = _cut(stem, STEM_BYTES - len(suffix)) + suffix
        if folded(name) not in used:
            return name
    raise AssertionError("two keys with one SHA-256")


def _cut(stem: str, room: int) -> str:
    return stem.encode()[:room].decode(errors="ignore")


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


def folded(name: str) -> str:
    """What a file system that ignores letter case makes of a name: names with one folding clash there."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())
