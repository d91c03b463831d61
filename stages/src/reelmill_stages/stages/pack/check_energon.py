"""The rules of Megatron Energon: every tar has an index of its samples, and `.nv-meta` matches the tars."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from reelmill_stages.format_checks import unreadable
from reelmill_stages.tar.inspect import Contents
from reelmill_stages.tar.samples import TarProblem
from reelmill_stages.tar.write import index_bytes
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.untrusted.yaml_values import load_yaml


def energon_problems(folder: Path, tars: Mapping[str, Contents]) -> Iterator[tuple[str, TarProblem]]:
    """(file, problem) for each broken rule of a folder with a `.nv-meta`."""
    for name, found in tars.items():
        index = folder / f"{name}.idx"
        if not index.is_file():
            yield name, TarProblem("energon_index", f"{index.name} is missing, which Energon requires")
        elif index.read_bytes() != index_bytes(found.offsets, found.end):
            yield (
                name,
                TarProblem("energon_index", f"{index.name} does not match the offsets of the samples in this tar"),
            )
    yield from _counts(folder / ".nv-meta" / ".info.json", tars)
    yield from _split(folder / ".nv-meta" / "split.yaml", tars)
    yield from _dataset(folder / ".nv-meta" / "dataset.yaml")


def _counts(path: Path, tars: Mapping[str, Contents]) -> Iterator[tuple[str, TarProblem]]:
    name = ".nv-meta/.info.json"
    try:
        counts = load_json(path.read_bytes())["shard_counts"]
        listed = {str(tar): int(count) for tar, count in counts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield name, TarProblem("energon_info", f"shard_counts cannot be read: {unreadable(error)}")
        return
    for tar in sorted(listed.keys() | tars.keys()):
        if tar not in tars:
            yield name, TarProblem("energon_info", f"it lists {tar}, which does not exist")
        elif tar not in listed:
            yield name, TarProblem("energon_info", f"it does not list {tar}")
        elif listed[tar] != tars[tar].count:
            yield (
                name,
                TarProblem("energon_info", f"it lists {listed[tar]} samples for {tar}, which has {tars[tar].count}"),
            )


def _split(path: Path, tars: Mapping[str, Contents]) -> Iterator[tuple[str, TarProblem]]:
    name = ".nv-meta/split.yaml"
    try:
        parts = load_yaml(path.read_bytes())["split_parts"]
        listed = [str(tar) for part in parts.values() for tar in part]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        yield name, TarProblem("energon_split", f"split_parts cannot be read: {unreadable(error)}")
        return
    if any("{" in tar for tar in listed):
        return
    for tar in sorted(set(listed) - tars.keys()):
        yield name, TarProblem("energon_split", f"it lists {tar}, which does not exist")
    if not listed:
        yield name, TarProblem("energon_split", "split_parts lists no tars")


def _dataset(path: Path) -> Iterator[tuple[str, TarProblem]]:
    name = ".nv-meta/dataset.yaml"
    try:
        read = load_yaml(path.read_bytes())
        typed = {"sample_type", "field_map"} <= read.keys() or {"__module__", "__class__"} <= read.keys()
    except (OSError, AttributeError, yaml.YAMLError) as error:
        yield name, TarProblem("energon_dataset", f"the type of the samples cannot be read: {unreadable(error)}")
        return
    if not typed:
        yield name, TarProblem("energon_dataset", "it must have sample_type and field_map, or __module__ and __class__")
