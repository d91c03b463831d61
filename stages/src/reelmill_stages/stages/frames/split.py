"""Division of samples into train, val and test by their names. Pure.

`random` and `by_video` derive a number for each sample or video from its name and the seed, so that new samples do not
move others. If test or val would be empty, the samples nearest to their limits are used. `exact` is the seeded
permutation of the original, with exact ratios; new samples change the division of others.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelmill.contract.spec.stages.frames import Split

TRAIN, VAL, TEST = "train", "val", "test"


@dataclass(frozen=True, slots=True)
class Named:
    """One sample: its key, the video it comes from, its path."""

    key: str
    vid: str
    path: str


def divide(samples: Sequence[Named], split: Split) -> dict[str, list[str]]:
    """Return the paths in train, val and test, in the order of the samples or, with `exact`, of the permutation."""
    if split.mode in {"all_train", "all_test"}:
        return _paths_by_split({sample.path: split.mode[4:] for sample in samples})
    shares = _split_ratios(split)
    if split.exact:
        return _exact_split(samples, split, shares)
    names = {sample: sample.vid if split.mode == "by_video" else sample.key for sample in samples}
    places = _drawn_splits(sorted(set(names.values())), split.seed, shares)
    return _paths_by_split({sample.path: places[name] for sample, name in names.items()})


def _split_ratios(split: Split) -> tuple[float, float, float]:
    total = sum(split.ratios)
    train, val, test = (ratio / total for ratio in split.ratios)
    return train, val, test


def _drawn_splits(names: Sequence[str], seed: int, shares: tuple[float, float, float]) -> dict[str, str]:
    """Return name -> split, with at least one name per split with a ratio above 0; train and test take precedence."""
    train, val, test = shares
    numbers = {name: _drawn_number(name, seed) for name in names}
    splits = {name: _split_of_number(numbers[name], train, val) for name in names}
    order = sorted(names, key=numbers.__getitem__)
    wanted = [place for place, share in ((TRAIN, train), (TEST, test), (VAL, val)) if share > 0]
    needed = wanted[: len(names)]
    for place in needed:
        if place not in splits.values():
            taken = list(splits.values())
            spare = [name for name in order if splits[name] not in needed or taken.count(splits[name]) > 1]
            splits[spare[0] if place == TRAIN else spare[-1]] = place
    return splits


def _drawn_number(name: str, seed: int) -> float:
    """Return a number in [0, 1) derived from name and seed."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def _split_of_number(number: float, train: float, val: float) -> str:
    if number < train:
        return TRAIN
    return VAL if number < train + val else TEST


def _exact_split(samples: Sequence[Named], split: Split, shares: tuple[float, float, float]) -> dict[str, list[str]]:
    """Shuffle all, then divide: test and val get their ratios rounded down, but at least one sample each."""
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(sample.vid if split.mode == "by_video" else sample.key, []).append(sample.path)
    order = list(groups)
    random.Random(split.seed).shuffle(order)  # noqa: S311 (a reproducible draw, not a secret)
    tests = max(1, int(len(order) * shares[2])) if shares[2] else 0
    vals = max(1, int(len(order) * shares[1])) if shares[1] else 0
    trains = max(0, len(order) - tests - vals)
    parts = {TRAIN: order[:trains], VAL: order[trains : trains + vals], TEST: order[trains + vals :]}
    return {place: [path for name in names for path in groups[name]] for place, names in parts.items()}


def _paths_by_split(places: Mapping[str, str]) -> dict[str, list[str]]:
    return {place: [path for path, own in places.items() if own == place] for place in (TRAIN, VAL, TEST)}
