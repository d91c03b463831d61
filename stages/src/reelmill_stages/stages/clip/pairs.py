"""`text_video_pairs.json`, the view for the tools of CLIP4MC: one row per clip, in the order of the metadata.

    [{"vid", "clip_path", "transcript", "begin_time", "end_time", "duration", "size"}, …]

`clip_path` is relative to the root of the data set, times are in seconds. A virtual clip has no file: its `clip_path`
is null, and `video` is the source to which the times refer.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import relpath
from typing import Any

from reelmill.contract.records.rows import Item
from reelmill_stages.untrusted.nested import load_json

PAIRS = "text_video_pairs.json"


def write_pairs(path: Path, items: Iterable[Item], root: str) -> None:
    """Write the rows of items, one per line. `root` is the key of the data set's root in the store."""
    _write(path, (pair(item, root) for item in items))


def pair(item: Item, root: str) -> dict[str, Any]:
    """The row of a clip. Raises ValueError for an item without media."""
    media, fields = item.media, item.fields
    if media is None:
        raise ValueError(f"the clip {item.key!r} has no media")
    row = {
        "vid": fields.get("vid", item.key),
        "clip_path": None if media.span else relpath(media.uri, root),
        "transcript": fields.get("text", ""),
        "begin_time": fields["start"],
        "end_time": fields["end"],
        "duration": fields["duration"],
        "size": fields.get("size") or [],
    }
    return row | ({"video": media.uri} if media.span else {})


def read_pairs(path: Path) -> list[Any]:
    """Read the rows. Raises ValueError for a file that is not JSON, and TypeError if it is not a list."""
    rows = load_json(path.read_bytes())
    if not isinstance(rows, list):
        raise TypeError("not a JSON list")
    return rows


def absolute_paths(path: Path, folder: Path) -> None:
    """Rewrite `clip_path` as absolute paths below a folder."""
    rows = read_pairs(path)
    _write(path, ({**row, "clip_path": row["clip_path"] and str(folder.absolute() / row["clip_path"])} for row in rows))


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for text in _lines(rows):
            file.write(text)


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
