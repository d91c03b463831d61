"""Validation of the cells of a metadata row: ids, captions, spans, paths.

Each function raises `ItemError` with a fixed reason for an invalid value; the row then becomes a failed input, and the
listing continues.
"""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from posixpath import normpath
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.urls import has_user_info, is_signed, without_secrets, without_user_info
from reelmill_stages.store.open import BUCKETS, READ_ONLY
from reelmill_stages.store.web.urls import is_web

_CLOCK = re.compile(r"^(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d+)?)$")
_SHOWN = 80
"""Maximum number of characters of a value in a message."""
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f]")


def identifier(value: object) -> str:
    """Return the id of a video: text or a whole number. Raises `bad_id`."""
    if isinstance(value, int) and not isinstance(value, bool) and _finite(value):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise ItemError(ItemReason.BAD_ID, f"the id of the video is {shown(value)}, not text")
    if not _encodable(value) or _UNREADABLE.search(value):
        raise ItemError(
            ItemReason.BAD_ID, f"the id of the video {shown(value)} contains characters that file names cannot contain"
        )
    return value.strip()


def caption(value: object) -> str:
    """Return a caption, unchanged. Raises `bad_text`."""
    if not isinstance(value, str):
        raise ItemError(ItemReason.BAD_TEXT, f"the caption is {shown(value)}, not text")
    if not _encodable(value):
        raise ItemError(ItemReason.BAD_TEXT, f"the caption {shown(value)} is not valid Unicode")
    return value


def conversations(value: object) -> list[dict[str, str]]:
    """Return a list of at least one turn `{"from": …, "value": …}`, without other fields. Raises `bad_text`."""
    if not isinstance(value, list) or not value:
        raise ItemError(ItemReason.BAD_TEXT, f"the conversation is {shown(value)}, not a list of turns")
    turns = []
    for turn in value:
        parts = (turn.get("from"), turn.get("value")) if isinstance(turn, Mapping) else (None, None)
        if not all(isinstance(part, str) and _encodable(part) for part in parts):
            raise ItemError(ItemReason.BAD_TEXT, f"a turn of the conversation is {shown(turn)}, not from and value")
        turns.append({"from": str(parts[0]), "value": str(parts[1])})
    return turns


def span(start: object, end: object) -> tuple[float, float]:
    """Return (start, end) in seconds with 0 <= start < end. Raises `bad_span`."""
    first, last = seconds(start, "begin"), seconds(end, "end")
    if first < 0:
        raise ItemError(ItemReason.BAD_SPAN, f"the clip begins at {first:g} s, before the video")
    if last <= first:
        raise ItemError(ItemReason.BAD_SPAN, f"the clip begins at {first:g} s and ends at {last:g} s")
    return first, last


def seconds(value: object, name: str) -> float:
    """Return seconds from a number, a number as text, or `[HH:]MM:SS.mmm`. Raises `bad_span`."""
    number = math.nan
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = _float(value)
    elif isinstance(value, str) and (clock := _CLOCK.match(value.strip())):
        hours, minutes, rest = clock.groups()
        number = float(hours or 0) * 3600 + float(minutes) * 60 + float(rest)
    elif isinstance(value, str):
        number = _float(value)
    if not math.isfinite(number):
        raise ItemError(ItemReason.BAD_SPAN, f"the {name} of the clip is {shown(value)}, not a number of seconds")
    return number


def spoken(start: float, end: float) -> str:
    """Return a span as part of a key: exact, and equal for 12 and 12.0."""
    return "-".join(repr(float(number)).removesuffix(".0") for number in (start, end))


def sizes(value: object) -> list[float] | None:
    """Return CLIP4MC's `size` list, unchanged, or None if there is none. Raises `bad_size`."""
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not {*map(type, value)} <= {int, float} or not all(map(_finite, value)):
        raise ItemError(ItemReason.BAD_SIZE, f"size is {shown(value)}, not a list of numbers")
    return value


def path(value: object) -> str:
    """Return a normalized path or URI of a media file (`a//./b` becomes `a/b`). Raises `bad_path`, also for `..`."""
    if not isinstance(value, str) or not value.strip():
        raise ItemError(ItemReason.BAD_PATH, f"the path is {shown(value)}, not text")
    scheme, separator, rest = value.partition("://") if "://" in value else ("", "", value)
    if separator and scheme != "file" and scheme not in BUCKETS and scheme not in READ_ONLY:
        raise ItemError(ItemReason.BAD_PATH, f"{shown(value)} is neither a path nor s3://bucket/key")
    if is_web(value) and ("#" in value or is_signed(value)):
        what = "a fragment" if "#" in value else "a signature or token, which expires and would be kept in records"
        raise ItemError(ItemReason.BAD_PATH, f"the URL {shown(value)} has {what}")
    if has_user_info(value):
        raise ItemError(ItemReason.BAD_PATH, f"the path {shown(without_user_info(value))} contains credentials")
    if _UNREADABLE.search(value) or not _encodable(value):
        raise ItemError(
            ItemReason.BAD_PATH, f"the path {shown(value)} contains characters that file names cannot contain"
        )
    if ".." in rest.split("/"):
        raise ItemError(ItemReason.BAD_PATH, f"the path {shown(value)} leaves its folder")
    tidy = normpath(rest)
    if tidy in (".", "/", "//") or value.endswith("/") or (separator and scheme != "file" and "/" not in rest):
        raise ItemError(ItemReason.BAD_PATH, f"{shown(value)} is a folder, not a file")
    return value if separator else re.sub("^/+", "/", tidy)


def plain(value: object) -> Any:
    """Return any other cell as a JSON value: NaN becomes null, dates become ISO 8601 text.

    Raises `bad_value`, also for numbers beyond the range of a float.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int | Decimal):
        number = _float(value)
        if not math.isfinite(number) and (isinstance(value, int) or value.is_finite()):
            raise ItemError(ItemReason.BAD_VALUE, f"{shown(value)} exceeds the range of JSON numbers")
        return value if isinstance(value, int) else plain(number)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, str) and _encodable(value):
        return value
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    raise ItemError(ItemReason.BAD_VALUE, f"{shown(value)} cannot be represented in JSON")


def shown(value: object) -> str:
    """Return a value for a message: short, on one line, with printable characters only."""
    if value is None:
        return "null"
    if isinstance(value, str):
        value = without_secrets(value[: 50 * _SHOWN])[:_SHOWN]
    try:
        text = ascii(value) if isinstance(value, str) and not _encodable(value) else repr(value)
    except (ValueError, RecursionError):
        # A whole number with more digits than Python converts, or unlimited nesting.
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _float(value: str | int | float | Decimal) -> float:
    try:
        return math.nan if isinstance(value, str) and "_" in value else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _finite(value: int | float) -> bool:
    return math.isfinite(_float(value))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
