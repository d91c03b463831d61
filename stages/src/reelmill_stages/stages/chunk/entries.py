"""`chunk_index.json`: the entries of all chunks, one per line, with the field names of the original.

Frame numbers are those of the whole video, from 0; `chunk_start_frame` and `chunk_end_frame` are relative to the start
of the annotated range. Paths of files are relative to the index; media of a source have their listed URIs.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from posixpath import basename, relpath
from typing import Any

from reelmill.contract.records.rows import Item
from reelmill_stages.stage import DataSetReader
from reelmill_stages.untrusted.nested import load_json

NAME = "chunk_index.json"
VERSION = 1
COPIED = ("person_id", "env_folder", "env_key", "vid", "split", "text")
"""Fields of the original item that are copied to each entry."""


def entry(item: Item, root: str) -> dict[str, Any]:
    """The entry for a chunk's item. `root` is the key of the data set's root, to which paths are relative."""
    fields = item.fields
    files = {basename(output.key): relpath(output.key, root) for output in item.outputs}
    views = {}
    for name, view in fields["views"].items():
        reference = dict(view)
        if "file" in reference:
            reference["file"] = files[reference["file"]]
        elif not _is_absolute(reference["media"]["uri"]):
            reference["media"] = {**reference["media"], "uri": relpath(reference["media"]["uri"], root)}
        views[name] = reference
    points = {
        name: {**reference, "file": files[reference["file"]]} if "file" in reference else reference
        for name, reference in fields.get("keypoints", {}).items()
    }
    return {
        "key": item.key,
        "original_item": {"key": item.group, **{name: fields[name] for name in COPIED if name in fields}},
        **fields["chunk"],
        "views": views,
        "labels": fields.get("labels"),
        **({"keypoints": points} if points else {}),
    }


def write_index(path: Path, data: DataSetReader, params: Mapping[str, Any]) -> tuple[int, int]:
    """Write the index of a data set as a stream; returns the numbers of (videos, chunks)."""
    videos = chunks = 0
    last = None
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"version": {VERSION}, "params": {_json_text(params)},\n"entries": [')
        for item in data.items():
            chunks += 1
            videos += item.group != last
            last = item.group
            file.write(f"{',' if chunks > 1 else ''}\n{_json_text(entry(item, data.root))}")
        file.write(f'\n],\n"videos": {videos}, "chunks": {chunks}}}\n')
    return videos, chunks


def read_index(path: Path) -> dict[str, Any]:
    """Read an index. Raises ValueError for any other file."""
    return parse_index(path.read_bytes(), path.name)


def parse_index(data: bytes, name: str) -> dict[str, Any]:
    """Parse an index; `name` is its file name in messages. Raises ValueError for any other file."""
    index: dict[str, Any] = load_json(data)
    if not _is_index(index):
        raise ValueError(f"{name} is not a chunk index: it has no list of entries")
    if index.get("version") != VERSION:
        raise ValueError(f"{name} has version {index.get('version')!r}; this reelmill reads {VERSION}")
    return index


def _is_index(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("entries"), list)


def localise(path: Path, folder: Path) -> None:
    """Rewrite the relative paths of an exported index as absolute paths below `folder`."""
    index = read_index(path)
    for each in index["entries"]:
        for reference in _relative_path_fields(each):
            told_in, name = reference
            told_in[name] = str(folder.absolute() / _export_path(told_in[name]))
    header = {name: value for name, value in index.items() if name != "entries"}
    lines = ",\n".join(map(_json_text, index["entries"]))
    path.write_text(f'{_json_text(header)[:-1]},\n"entries": [\n{lines}\n]}}\n', encoding="utf-8")


def _relative_path_fields(each: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (mapping, field) of all relative paths in an entry."""
    for reference in (*each["views"].values(), *each.get("keypoints", {}).values()):
        if "file" in reference:
            yield reference, "file"
        elif "media" in reference and not _is_absolute(reference["media"]["uri"]):
            yield reference["media"], "uri"


def _export_path(path: str) -> str:
    """Return the path of a file in an export; files of other stages are in folders named as in the store."""
    return path.removeprefix("../../")


def _is_absolute(uri: str) -> bool:
    return uri.startswith("/") or "://" in uri


def _json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
