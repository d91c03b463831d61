"""Canonical JSON of rows: the same bytes as `contract.digest.canonical`, five times as fast."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from reelmill.contract.digest import canonical
from reelmill.contract.records.rows import POSITION, Item, Media

_ORDINAL = "ordinal"
_MARKED = b"\0"
"""Placeholder for the ordinal while a row is encoded: a byte that does not occur in JSON."""
_MARK = msgspec.Raw(_MARKED)
_encode = msgspec.json.Encoder(order="sorted").encode


def canonical_row(row: Mapping[str, Any]) -> bytes:
    """The row in canonical JSON. Raises as `canonical`.

    Values that msgspec encodes differently, or encodes although they are not valid JSON, are encoded by `canonical`.
    """
    return canonical_value(row)


def canonical_value(value: Any) -> bytes:
    """Any JSON value in canonical JSON. Raises as `canonical`."""
    try:
        if _is_exact((value,)):
            return _encode(value)
    except (AttributeError, TypeError, ValueError, RecursionError):
        pass
    return canonical(value)


def item_around(item: Item) -> tuple[bytes, bytes]:
    """The canonical JSON of an item's row, split at its ordinal. Raises as `canonical`."""
    row = dict(item.fields, key=item.key, group=item.group, weight=item.weight, provenance=item.provenance)
    if item.position is not None:
        row[POSITION] = item.position
    media = item.media
    try:
        if _is_exact(row.values()) and (media is None or _is_plain(media)):
            row[_ORDINAL] = _MARK
            row["outputs"] = item.outputs
            if media is not None:
                row["media"] = media
            head, _, tail = _encode(row).partition(_MARKED)
            return head, tail
    except (AttributeError, TypeError, ValueError, RecursionError):
        pass
    return row_around(item.to_json())


def row_around(row: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The canonical JSON of a row, split at its ordinal."""
    head = canonical_row({name: value for name, value in row.items() if name < _ORDINAL})
    tail = canonical_row({name: value for name, value in row.items() if name > _ORDINAL})
    return b'%b,"%b":' % (head[:-1], _ORDINAL.encode()), b",%b" % tail[1:]


def _is_plain(media: Media) -> bool:
    """Whether msgspec encodes it as `Media.to_json` does."""
    texts = str is type(media.uri) is type(media.etag) is type(media.version) is type(media.digest)
    span = media.span
    return (
        texts
        and type(media.source) is str
        and type(media.size) is int
        and (span is None or _is_exact((span.start, span.end)))
    )


def _is_exact(values: Iterable[Any]) -> bool:
    """Whether msgspec encodes all of these values as the standard library does, or refuses them."""
    for value in values:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is float:
            # Python writes all others with an exponent, msgspec in another form; msgspec writes null for NaN.
            if 1e-4 <= value < 1e16 or value == 0 or -1e16 < value <= -1e-4:
                continue
            return False
        if kind is bool or value is None:
            continue
        if kind is dict:
            if _is_exact(value.values()):
                continue
        elif (kind is list or kind is tuple) and _is_exact(value):
            continue
        return False
    return True
