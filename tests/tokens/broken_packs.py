"""Packs that look right and are not: one for each rule, each a good pack with one thing changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reelmill_stages.tar.write import TarWriter
from reelmill_stages.tokens.rules import PackRules
from reelmill_stages.tokens.symbols import SymbolIds
from tokens.desk import picture

SHAPE = PackRules(max_tokens=40, patches=3, symbols=SymbolIds(), vocabulary=32003)
IMAGE = [32001, 32000, 32000, 32000, 32002]


def good() -> dict[str, Any]:
    """A pack of two documents with an image each."""
    first, second = [1, *IMAGE, 11, 12, 2], [*IMAGE, 13, 2]
    return {
        "input_ids": first + second,
        "loss_mask": [0] * 6 + [1] * 3 + [0] * 5 + [1] * 2,
        "text": ["<s>one</s>", "<s>two</s>"],
        "image": ["0", "1"],
        "document_offsets": [0, 9, 16],
        "position_ids": [*range(9), *range(7)],
    }


def pack(
    folder: Path, fields: Any = None, images: tuple[bytes, ...] = (picture(1), picture(2)), name: str = "a"
) -> Path:
    """A folder with `tokens.json` and a tar of one good pack and this one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.json").write_text(json.dumps(SHAPE.to_json()))
    path = folder / f"{name}.tar"
    with TarWriter(path) as tar:
        for key, read, parts in (("0-0", good(), (picture(1), picture(2))), ("0-1", fields, images)):
            read = good() if read is None else read
            tar.add(f"{key}.json", read if isinstance(read, bytes) else json.dumps(read).encode())
            for number, data in enumerate(parts):
                tar.add(f"{key}.{number}.jpg", data)
    return path


def changed(**fields: Any) -> Callable[[Path], object]:
    return lambda folder: pack(folder, {**good(), **fields})


def swapped(name: str, place: int, value: Any) -> Callable[[Path], object]:
    values = list(good()[name])
    values[place] = value
    return changed(**{name: values})


def longer(folder: Path) -> None:
    read = good()
    tail = 40 - len(read["input_ids"])
    read["input_ids"] += [14] * tail
    read["loss_mask"] += [1] * tail
    read["document_offsets"][-1] = 40
    read["position_ids"] += list(range(7, 7 + tail))
    pack(folder, read)


def without_json(folder: Path) -> None:
    path = pack(folder)
    with TarWriter(path) as tar:
        tar.add("0-0.0.jpg", picture(1))


RULES: dict[str, Callable[[Path], object]] = {
    "about": lambda folder: (pack(folder), (folder / "tokens.json").write_text('{"maxTokens": 40}')),
    "no_pack": without_json,
    "json": lambda folder: pack(folder, b'{"input_ids": [1'),
    "ids": swapped("input_ids", 6, 32003),
    "mask_length": changed(loss_mask=good()["loss_mask"][:-1]),
    "mask_values": swapped("loss_mask", 7, 2),
    "mask_symbols": swapped("loss_mask", 2, 1),
    "too_long": longer,
    "image_borders": swapped("input_ids", 5, 11),
    "image_patches": swapped("input_ids", 3, 11),
    "image_blocks": changed(input_ids=[1, 32001, 32000, 32000, 32002, 32000, *good()["input_ids"][6:]]),
    "image_names": changed(image=["1", "0"]),
    "image_missing": lambda folder: pack(folder, images=(picture(1),)),
    "image": lambda folder: pack(folder, images=(picture(1), picture(2)[:-60])),
    "bos": swapped("input_ids", 0, 11),
    "document_offsets": changed(document_offsets=[0, 9, 15]),
    "text_count": changed(text=["<s>one</s>"]),
    "position_ids": changed(position_ids=list(range(16))),
}
"""Rule -> a folder that breaks it and no other."""
