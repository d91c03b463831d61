"""Merges the parts into one file with all images.

It is a copy unless links are requested: RSTNet's reader copies the file to a temporary folder, where links would be
broken, and replaces missing arrays by noise.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.grid.containers import SUFFIXES, Parts, container, opened
from reelmill_stages.stages.grid.keys import GRIDS, LABELS
from reelmill_stages.stages.grid.provenance import Attributes, counted, together


def merged_files(block: GridBlock, data: DataSetReader) -> Iterator[File]:
    """Write `grids.…` and, if there are labels, `labels.…`. Raises SpecError for a duplicate image id."""
    parts, splits = _parts(data)
    for kind, keys in parts.items():
        if not keys or block.merge == "none":
            continue
        name = f"{kind}{SUFFIXES[block.container]}"
        target = data.scratch / name
        target.unlink(missing_ok=True)
        seen: list[Attributes] = []
        about = partial(_merged_attributes, seen, splits)
        count = _merge_parts(block, _fetched_parts(keys, data, seen), target, about)
        if count != splits.total():
            raise SpecError(
                f"{count} arrays of {count_of(splits.total(), 'image')} were merged", where=name, hint="this is a bug"
            )
        yield File(name, target)


def _parts(data: DataSetReader) -> tuple[dict[str, dict[str, str]], Counter[str]]:
    """(kind -> key in the store and digest of each part, in order of their items; number of images of each split)."""
    parts: dict[str, dict[str, str]] = {GRIDS: {}, LABELS: {}}
    splits: Counter[str] = Counter()
    ids: dict[int, str] = {}
    for item in data.items():
        if item.media is None:
            continue
        number = item.fields["image_id"]
        if number in ids:
            raise SpecError(
                f"{item.key} and {ids[number]} are both image {number}",
                where=data.name,
                hint="list both folders in one images source (split: train2014+val2014), which detects duplicates",
            )
        ids[number] = item.key
        parts[GRIDS][item.media.uri] = item.media.digest
        if "labels" in item.fields:
            key = f"{item.media.uri.rpartition('/')[0]}/{item.fields['labels']}"
            parts[LABELS][key] = next((output.digest for output in item.outputs if output.key == key), "")
        splits[str(item.fields.get("split", ""))] += 1
    return parts, splits


def _merged_attributes(seen: list[Attributes], splits: Counter[str]) -> Attributes:
    return counted(together(seen), splits)


def _merge_parts(block: GridBlock, parts: Parts, target: Path, about: Callable[[], Attributes]) -> int:
    if block.merge == "virtual":
        from reelmill_stages.stages.grid.containers.hdf5 import Hdf5

        return Hdf5().link(parts, target, about)
    return container(block.container).merge(parts, target, about, block.compression)


def _fetched_parts(keys: Mapping[str, str], data: DataSetReader, seen: list[Attributes]) -> Iterator[tuple[str, Path]]:
    """The parts, each downloaded once and deleted after use; their attributes are appended to `seen`."""
    for key, digest in keys.items():
        path = data.fetch(key, digest)
        part = opened(path)
        seen.append(part.attributes)
        part.close()
        yield key.removeprefix(f"{data.root}/"), path
        if path.is_relative_to(data.scratch):
            path.unlink()
