"""Safe, unique and deterministic file names from ids and titles. No I/O.

A stem is a file name without its extension. It contains no dot (webdataset splits keys at the first one), slash, space
or control character; letters and digits of all scripts are kept. It is at most `STEM_BYTES` long.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

STEM_BYTES = 120
"""Maximum length of a stem in bytes: file systems allow 255, and stages add prefixes, suffixes and extensions."""

_DIGITS = 8
_PLAIN = re.compile(r"[\w-]+", re.ASCII)
_NOTHING: Mapping[str, str] = MappingProxyType({})


def safe_stem(text: str) -> str:
    """Return a safe stem for any text. A safe text is unchanged; a long one is cut and gets a digest.

    Different texts may have the same stem; see `told_apart`.
    """
    return _fitted(_replaced(text), text, STEM_BYTES)


def clip_stem(vid: str, start: float, end: float) -> str:
    """Return the name of a clip, `{vid}_{int(start)}_{int(end)}`; times are finite, in seconds. A long id is cut."""
    tail = f"_{int(start)}_{int(end)}"
    if len(tail) > STEM_BYTES // 2:  # invalid times, but the row needs a name
        return safe_stem(f"{vid}{tail}")
    return _fitted(_replaced(vid), vid, STEM_BYTES - len(tail)) + tail


def told_apart(stems: Iterable[tuple[str, str]], taken: Mapping[str, str] = _NOTHING) -> dict[str, str]:
    """Return a unique name for each key, from pairs of (key, stem), in the given order. Letter case is ignored.

    If several keys have the same stem, the smallest keeps it and the others get a suffix derived from their key, so the
    names do not depend on the order. `taken` maps keys to the names that they already have. Raises ValueError for a
    duplicate key.
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
    """Replace each run of unsafe characters with an underscore, and normalize to Unicode NFC."""
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


def suffixed_stem(stem: str, key: str, digits: int = _DIGITS) -> str:
    """Return the stem with a suffix: the first `digits` hex digits of the key's digest."""
    suffix = f"-{_digest(key, digits)}"
    return _cut(stem, STEM_BYTES - len(suffix)) + suffix


def _suffixed(stem: str, key: str, used: set[str]) -> str:
    for digits in range(_DIGITS, 65):
        name = suffixed_stem(stem, key, digits)
        if folded(name) not in used:
            return name
    raise AssertionError("two keys with one SHA-256")


def _cut(stem: str, room: int) -> str:
    return stem.encode()[:room].decode(errors="ignore")


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]


def folded(name: str) -> str:
    """Return the case-folded name, to detect collisions on case-insensitive file systems."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())
