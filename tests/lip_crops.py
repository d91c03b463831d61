"""Generated mouth crops and lists in the format of the lip-reading data sets: small, seeded, without torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 96


def crops(frames: int = 5, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Gray crops (frames, 96, 96)."""
    return np.random.default_rng(seed).integers(0, 256, (frames, SIDE, SIDE), dtype=np.uint8)


def write_crops(path: Path, frames: int = 5, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, data=crops(frames, seed))
    return path


def lip_set(folder: Path, splits: Sequence[str] = ("tr", "cv", "tt"), rows: int = 2, frames: int = 5) -> Path:
    """`lists/{split}/{mix,s1,s2}.json` and `mouths/{split}/….npz`: row n mixes the speakers A and B of utterance n."""
    for at, split in enumerate(splits):
        lists: dict[str, list[list[Any]]] = {"mix": [], "s1": [], "s2": []}
        for row in range(rows):
            wav = f"spkA_{row:05d}_1_spkB_{row:05d}_-1.wav"
            lists["mix"].append([f"/audio/{split}/mix/{wav}", 32000])
            for seat, speaker in enumerate(("s1", "s2")):
                name = f"mouths/{split}/{'AB'[seat]}_{row:05d}.npz"
                write_crops(folder / name, frames, seed=100 * at + 10 * row + seat)
                lists[speaker].append([f"/audio/{split}/{speaker}/{wav}", name, 32000])
        for name, found in lists.items():
            write_list(folder, split, name, found)
    return folder


def write_list(folder: Path, split: str, name: str, rows: list[list[Any]]) -> None:
    path = folder / "lists" / split / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))


def read_list(folder: Path, split: str, name: str) -> list[list[Any]]:
    found: list[list[Any]] = json.loads((folder / "lists" / split / f"{name}.json").read_text())
    return found
