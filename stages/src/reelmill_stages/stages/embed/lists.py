"""Lists in the format of IIANet for embeddings: the rows of each split with embeddings, and a marker if all have them.

The rows are those of the sources' lists in the listings that the stage covers, so they follow lists that grow or change
even if the listed files do not change.

IIANet's reader looks for `x_embedding.npz` in the folder of `x.npz` in a list, so the lists contain the path of `x.npz`
in the folder of the embeddings; that file does not exist. Items of other sources are listed in `embeddings.json`.

If a stage reads several sources with lists, those of the source with the first item are in `tr/`, …, and those of each
other source in a folder with its name, because both may have a row 0 of `tr`. Items keep their places, so no list moves
when a source grows.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reelmill.contract.records.rows import Fields, Item
from reelmill_stages.stage import DataSetReader, File

READY, MISSING, PLAIN = "ready.json", "missing.json", "embeddings.json"
SPEAKERS = ("s1", "s2")
_SUFFIX = "_embedding.npz"
_SHOWN = 1000

Cell = tuple[str, str, int]
"""(wav, path, samples) of one speaker in one row."""


class _Split:
    """The rows of one split."""

    def __init__(self) -> None:
        self.size = 0
        self.mix: dict[int, tuple[str, int]] = {}
        self.cells: dict[str, dict[int, Cell]] = {speaker: {} for speaker in SPEAKERS}
        self.lengths: set[int] = set()

    def expect(self, row: Mapping[str, Any]) -> None:
        """Record that the split has this row, with or without an embedding."""
        self.size = max(self.size, row["row"] + 1)

    def add(self, row: Mapping[str, Any], path: str, length: int) -> None:
        self.mix[row["row"]] = (row["mix"], row["mix_samples"])
        self.cells[row["speaker"]][row["row"]] = (row["wav"], path, row["samples"])
        self.lengths.add(length)

    def whole(self) -> list[int]:
        """Return rows with embeddings of both speakers."""
        return sorted(set(self.cells["s1"]) & set(self.cells["s2"]))

    def missing(self) -> list[list[Any]]:
        """Return [row, speaker] without an embedding."""
        return [[row, one] for row in range(self.size) for one in SPEAKERS if row not in self.cells[one]]


def present_lists(data: DataSetReader) -> Iterator[File]:
    """Write `mix.json`, `s1.json`, `s2.json` and `ready.json` or `missing.json` for each split of each source."""
    listed: defaultdict[str, defaultdict[str, _Split]] = defaultdict(lambda: defaultdict(_Split))
    order: dict[str, None] = {}
    plain: dict[str, str] = {}
    found: dict[tuple[str, str], tuple[Fields, ...]] = {}
    for each in data.list_rows():
        found[each.source, each.uri] = each.rows
        for row in each.rows:
            listed[each.source][row["split"]].expect(row)
    sources = set(listed)
    for item in data.items():
        path = _embedding_path(item, data.root)
        source, uri = _origin(item)
        splits = listed[source] if source in sources or "lists" in item.fields else None
        rows: Sequence[Fields]
        if splits is None:
            plain[item.key] = path
            continue
        order.setdefault(source)
        rows = found.get((source, uri), ()) if source in sources else _rows_of_item(item, splits)
        for row in rows:
            splits[row["split"]].add(row, path.removesuffix(_SUFFIX) + ".npz", item.fields["shape"][-1])
    for place, source in enumerate(dict.fromkeys([*order, *listed])):
        for name, split in sorted(listed[source].items()):
            yield from _list_files(data.scratch, f"{source}/{name}" if place else name, split)
    if plain:
        yield _json_file(data.scratch, PLAIN, plain)


def absolute(view: Path, folder: Path) -> None:
    """Rewrite the paths in an exported list as absolute paths below `folder`."""
    found = json.loads(view.read_text(encoding="utf-8"))
    if view.name in {f"{speaker}.json" for speaker in SPEAKERS}:
        found = [[wav, str(folder / path), *rest] for wav, path, *rest in found]
    elif view.name == PLAIN:
        found = {key: str(folder / path) for key, path in found.items()}
    else:
        return
    _write_json(view, found)


def _list_files(scratch: Path, name: str, split: _Split) -> Iterator[File]:
    whole, missing = split.whole(), split.missing()
    yield _json_file(scratch, f"{name}/mix.json", [list(split.mix[row]) for row in whole])
    for speaker in SPEAKERS:
        yield _json_file(scratch, f"{name}/{speaker}.json", [list(split.cells[speaker][row]) for row in whole])
    if missing:
        content = {"rows": split.size, "with_embeddings": len(whole), "missing": missing[:_SHOWN]}
        yield _json_file(scratch, f"{name}/{MISSING}", content)
    else:
        yield _json_file(scratch, f"{name}/{READY}", {"rows": split.size, "frames": sorted(split.lengths)})


def _json_file(scratch: Path, name: str, value: Any) -> File:
    path = scratch / name.replace("/", "_")
    _write_json(path, value)
    return File(name, path)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def _origin(item: Item) -> tuple[str, str]:
    """Return (source, URI) of the file that an item was made from, by its provenance."""
    provenance: Any = item.provenance
    if not isinstance(provenance.get("from"), Mapping) and isinstance(provenance.get("source"), Mapping):
        provenance = provenance["source"]
    while isinstance(provenance.get("from"), Mapping):
        provenance = provenance["from"]
    return str(provenance.get("source", "")), str(provenance.get("uri", ""))


def _rows_of_item(item: Item, splits: Mapping[str, _Split]) -> Sequence[Fields]:
    """Return the rows in an item that version 0.1.0 listed, whose source has not been listed since."""
    for name, size in item.fields["list_sizes"].items():
        splits[name].size = max(splits[name].size, size)
    rows: Sequence[Fields] = item.fields["lists"]
    return rows


def _embedding_path(item: Item, root: str) -> str:
    """Return the path of the embedding, relative to the root of the data set."""
    assert item.media is not None
    return item.media.uri.removeprefix(f"{root}/")
