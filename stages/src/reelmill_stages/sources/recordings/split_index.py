"""Reads `index_mapping/index.json`, which assigns recordings to splits for each fold. Its paths are ignored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.sources.recordings.people import Recording, take_of_folders
from reelmill_stages.sources.tables.cells import shown
from reelmill_stages.untrusted.nested import load_json

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class SplitLine:
    """A line of a split; `take` is its recording, or the error if it is invalid."""

    split: str
    line: Any
    take: Recording | ItemError


def indexed(data: bytes, uri: str, fold: str) -> Iterator[SplitLine]:
    """Yield the lines of a fold. Raises SpecError for an invalid file or a missing fold."""
    try:
        folds = load_json(data)
    except ValueError as error:
        raise SpecError(f"not JSON: {error}", where=uri, hint='write {"0": {"train": […], "val": […]}}') from error
    splits = folds.get(fold) if isinstance(folds, Mapping) else None
    if not isinstance(splits, Mapping) or not all(isinstance(splits.get(split, []), list) for split in SPLITS):
        there = ", ".join(map(str, folds)) if isinstance(folds, Mapping) else "none"
        raise SpecError(f"the index has no fold {fold!r} with lists of takes", where=uri, hint=f"its folds: {there}")
    seen: dict[Recording, str] = {}
    for split in SPLITS:
        for line in splits.get(split, []):
            yield SplitLine(split, line, _take(line, split, seen))


def _take(line: object, split: str, seen: dict[Recording, str]) -> Recording | ItemError:
    if not isinstance(line, Mapping) or not all(isinstance(line.get(n), str) for n in ("person_id", "env_folder")):
        return ItemError(ItemReason.BAD_ROW, f"{shown(line)} has no person_id and env_folder")
    take = take_of_folders(line["person_id"], line["env_folder"])
    other = seen.setdefault(take, split)
    if other != split:
        return ItemError(
            ItemReason.LEAK,
            f"{take.person}/{take.folder} is in {other} already: training data would leak into the test",
        )
    return take
