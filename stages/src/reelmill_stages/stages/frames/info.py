"""`dataset_info.json`: the sample folders of each split, in the format of CLIP4MC's loader."""

import json
from pathlib import Path
from posixpath import dirname
from typing import Any

from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.frames import Split
from reelmill_stages.listed_order import listed_order
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.frames.split import Named, divide
from reelmill_stages.untrusted.nested import load_json

NAME = "dataset_info.json"
SPLITS = ("train", "val", "test")


def dataset_info(data: DataSetReader, split: Split) -> File:
    """Write the view of all samples, in the order of their numbers, with paths relative to the data set's root."""
    samples = [
        Named(item.key, str(item.fields.get("vid") or item.group), _sample_folder(item, data.root))
        for item in listed_order(data.items())
    ]
    path = data.scratch / NAME
    write_info(path, divide(samples, split))
    return File(NAME, path)


def read_info(path: Path) -> dict[str, list[str]]:
    """The lists of a dataset_info.json; absent ones are empty. Raises ValueError for any other file."""
    return parse_info(path.read_bytes(), path.name)


def parse_info(data: bytes, name: str = NAME) -> dict[str, list[str]]:
    """Like `read_info`, for data in memory; `name` is its name in messages."""
    try:
        found = load_json(data)
    except ValueError as error:
        raise ValueError(f"{name} is not a dataset_info.json: {error}") from error
    if not isinstance(found, dict) or not all(_is_path_list(found.get(split, [])) for split in SPLITS):
        raise ValueError(f"{name} is not a dataset_info.json: it must have lists of folders in train, val and test")
    return {split: list(found.get(split, [])) for split in SPLITS}


def write_info(path: Path, info: dict[str, list[str]]) -> None:
    """Write the lists of train, val and test."""
    path.write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def absolute(view: Path, folder: Path) -> None:
    """Rewrite the relative paths of an exported dataset_info.json as absolute ones below `folder`."""
    if view.name == NAME:
        info = read_info(view)
        write_info(view, {name: [str(folder.absolute() / path) for path in paths] for name, paths in info.items()})


def _sample_folder(item: Item, root: str) -> str:
    """The folder of a sample, with all of its files."""
    return dirname(item.outputs[0].key).removeprefix(f"{root}/")


def _is_path_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(path, str) for path in value)
