"""Lists in the format of IIANet for embeddings: the rows of each split with embeddings, and a marker if all have them.

IIANet's reader looks for `x_embedding.npz` in the folder of `x.npz` in a list, so the lists contain the path of `x.npz`
in the folder of the embeddings; that file does not exist. Items of other sources are listed in `embeddings.json`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reelmill.contract.records.rows import Item
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

    def add(self, row: Mapping[str, Any], path: str, length: int) -> None:
        self.mix[row["row"]] = (row["mix"], row["mix_samples"])
        self.cells[row["speaker"]][row["row"]] = (row["wav"], path, row["samples"])
        self.lengths.add(length)

    def whole(self) -> list[int]:
        """Rows with embeddings of both speakers."""
        return sorted(set(self.cells["s1"]) & set(self.cells["s2"]))

    def missing(self) -> list[list[Any]]:
        """[row, speaker] without an embedding."""
        return [[row, one] for row in range(self.size) for one in SPEAKERS if row not in self.cells[one]]


def present_lists(data: DataSetReader) -> Iterator[File]:
    """Write `mix.json`, `s1.json`, `s2.json` and `ready.json` or `missing.json` for each split."""
    splits: dict[str, _Split] = {}
    plain: dict[str, str] = {}
    for item in data.items():
        path = _path(item, data.root)
        if "lists" not in item.fields:
            plain[item.key] = path
            continue
        for name, size in item.fields["list_sizes"].items():
            split = splits.setdefault(name, _Split())
            split.size = max(split.size, size)
        for row in item.fields["lists"]:
            splits[row["split"]].add(row, path.removesuffix(_SUFFIX) + ".npz", item.fields["shape"][-1])
    for name, split in sorted(splits.items()):
        yield from _files(data.scratch, name, split)
    if plain:
        yield _file(data.scratch, PLAIN, plain)


def absolute(view: Path, folder: Path) -> None:
    """Rewrite the paths in an exported list as absolute paths below `folder`."""
    found = json.loads(view.read_text(encoding="utf-8"))
    if view.name in {f"{speaker}.json" for speaker in SPEAKERS}:
        found = [[wav, str(folder / path), *rest] for wav, path, *rest in found]
    elif view.name == PLAIN:
        found = {key: str(folder / path) for key, path in found.items()}
    else:
        return
    _write(view, found)


def _files(scratch: Path, name: str, split: _Split) -> Iterator[File]:
    whole, missing = split.whole(), split.missing()
    yield _file(scratch, f"{name}/mix.json", [list(split.mix[row]) for row in whole])
    for speaker in SPEAKERS:
        yield _file(scratch, f"{name}/{speaker}.json", [list(split.cells[speaker][row]) for row in whole])
    if missing:
        told = {"rows": split.size, "with_embeddings": len(whole), "missing": missing[:_SHOWN]}
        yield _file(scratch, f"{name}/{MISSING}", told)
    else:
        yield _file(scratch, f"{name}/{READY}", {"rows": split.size, "frames": sorted(split.lengths)})


def _file(scratch: Path, name: str, value: Any) -> File:
    path = scratch / name.replace("/", "_")
    _write(path, value)
    return File(name, path)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def _path(item: Item, root: str) -> str:
    """The path of the embedding, relative to the root of the data set."""
    assert item.media is not None
    return item.media.uri.removeprefix(f"{root}/")
