"""The rules for files of features, by name:

`key_name`, `leading_zeros`, `one_kind`, `provenance`, `count`, `physical`, `shape`, `dtype`, `finite`, `zero_rows`,
`value_range`, `labels`, `same_images`; beside them `suffix` and `opens`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.grid.containers import Array, ContainerReader
from reelmill_stages.stages.grid.keys import GRIDS, LABELS, key, parsed
from reelmill_stages.stages.grid.provenance import FORMAT
from reelmill_stages.untrusted.nested import load_json

COCO = {
    "train2014": 82_783,
    "val2014": 40_504,
    "test2014": 40_775,
    "train2017": 118_287,
    "val2017": 5_000,
    "test2015": 81_434,
}
"""Number of images in the splits of COCO."""

REQUIRED = ("model", "weights", "grid", "space", "fit", "dtype", "versions")
LARGEST = 1e4
"""Maximum absolute value, far above the output of a trained LayerNorm."""
_NAMED = 3
_PADDED = re.compile(r"0[0-9]+_(grids|labels)")


def naming(name: str, names: Sequence[str], kind: str) -> tuple[list[int], list[Finding]]:
    """(image ids of the arrays, findings about their names)."""
    ids, wrong = [], []
    padded = [each for each in names if _PADDED.fullmatch(each)]
    known = {each: found for each in names if (found := parsed(each))}
    other = [each for each in names if each not in known and each not in padded]
    mixed = [each for each, (_, its) in known.items() if its != kind]
    if padded:
        wrong.append(
            Finding(
                name,
                "leading_zeros",
                False,
                f"the numbers in names must not have leading zeros: {_shortened_list(padded)}",
            )
        )
    if other:
        wrong.append(
            Finding(name, "key_name", False, f"names must have the form {key(9, kind)}: {_shortened_list(other)}")
        )
    if mixed:
        wrong.append(Finding(name, "one_kind", False, f"a file of {kind} must not contain {_shortened_list(mixed)}"))
    ids = [number for number, its in known.values() if its == kind]
    return ids, wrong


def provenance(name: str, file: ContainerReader) -> Iterator[Finding]:
    """The file must have the attributes about its origin."""
    missing = [each for each in REQUIRED if not file.attributes.get(each)]
    if missing:
        yield Finding(name, "provenance", False, f"attributes are missing: {', '.join(missing)}")
    elif file.attributes.get("format") != FORMAT:
        yield Finding(
            name, "provenance", False, f"the attribute format must be {FORMAT!r}, not {file.attributes.get('format')!r}"
        )


def count(name: str, file: ContainerReader, ids: Sequence[int]) -> Iterator[Finding]:
    """The number of images must match the attributes; the message also contains the numbers of COCO's splits."""
    expected = file.attributes.get("images")
    found = f"{count_of(len(ids), 'image')}{_coco_split_counts(file.attributes.get('splits'))}"
    if not ids:
        yield Finding(name, "count", False, "the file has no images")
    elif expected is not None and expected != len(ids):
        yield Finding(name, "count", False, f"the file has {found}, but its attributes say {expected}")
    else:
        yield Finding(name, "count", True, found)


def physical(name: str, file: ContainerReader) -> Iterator[Finding]:
    """Arrays must be in the file itself, for readers that copy it."""
    handle = getattr(file, "file", None)
    if handle is None:
        return
    import h5py

    links = [each for each in handle if not isinstance(handle.get(each, getlink=True), h5py.HardLink)]
    virtual = [each for each in handle if each not in links and getattr(handle[each], "is_virtual", False)]
    if lost := links or virtual:
        yield Finding(
            name,
            "physical",
            False,
            f"{len(lost)} arrays are links into other files: a copy of this file would be empty",
        )


def arrays(name: str, file: ContainerReader, ids: Sequence[int], kind: str) -> Iterator[Finding]:
    """Shape, type and values of all arrays, with one in memory at a time."""
    first = file.array(key(ids[0], kind))
    low, high = np.inf, -np.inf
    broken: dict[str, str] = {}
    for number in ids:
        array = file.array(key(number, kind))
        for rule, message in _array_problems(array, first, kind, file.attributes).items():
            broken.setdefault(rule, f"image {number}: {message}")
        if array.size and array.dtype.kind in "fiu" and np.isfinite(array).all():
            low, high = min(low, float(array.min())), max(high, float(array.max()))
    for rule, message in broken.items():
        yield Finding(name, rule, False, message)
    if kind == GRIDS and low <= high and not broken:
        good = low < high and max(-low, high) <= LARGEST
        limits = "" if good else f": values must differ and be at most {LARGEST:g} in absolute value"
        yield Finding(name, "value_range", good, f"{low:.3f} to {high:.3f}{limits}")
    if not broken:
        yield Finding(name, "shape", True, f"{first.shape} {first.dtype}")


def same_images(seen: Mapping[str, set[int]]) -> Iterator[Finding]:
    """Every image with labels must have features, and vice versa."""
    grids, labels = seen.get(GRIDS), seen.get(LABELS)
    if grids is not None and labels is not None and grids != labels:
        odd = sorted(grids ^ labels)
        yield Finding(
            "labels",
            "same_images",
            False,
            f"{count_of(len(odd), 'image')} with only features or only labels: {_shortened_list(map(str, odd))}",
        )


def _array_problems(array: Array, first: Array, kind: str, attributes: Mapping[str, object]) -> dict[str, str]:
    """Rule -> message."""
    if kind == LABELS:
        if array.ndim != 1 or array.dtype.kind not in "iu" or array.shape != first.shape or (array < 0).any():
            return {"labels": f"must be one class number per patch, in equal shapes, not {array.dtype} {array.shape}"}
        return {}
    wrong = {}
    expected = (
        attributes.get("rows", first.shape[0] if first.ndim else 0),
        attributes.get("width", first.shape[-1:] and first.shape[-1]),
    )
    if array.ndim != 2 or array.shape != expected:
        wrong["shape"] = f"the shape must be {expected}, not {array.shape}"
    if array.dtype not in (np.float32, np.float16) or array.dtype != attributes.get("dtype", str(array.dtype)):
        wrong["dtype"] = f"the type must be {attributes.get('dtype', 'float32 or float16')}, not {array.dtype}"
    elif not np.isfinite(array).all():
        wrong["finite"] = "some values are NaN or infinite"
    elif array.ndim == 2 and (masked := _count_zero_rows(array)):
        wrong["zero_rows"] = f"{count_of(masked, 'row')} with the sum 0, which the reader's model masks as padding"
    return wrong


def _count_zero_rows(array: Array) -> int:
    """Number of rows whose sum is exactly 0: in float32, as the model adds them up, or without rounding errors."""
    zero = (array.sum(axis=1, dtype=np.float32) == 0) | (array.sum(axis=1, dtype=np.float64) == 0)
    return int(zero.sum())


def _coco_split_counts(splits: object) -> str:
    """` (82,783 of 82,783 train2014)` for splits of COCO."""
    try:
        found = load_json(str(splits)) if splits else {}
    except ValueError:
        return ""
    counts = [f"{number:,} of {COCO[split]:,} {split}" for split, number in found.items() if split in COCO]
    return f" ({', '.join(counts)})" if counts else ""


def _shortened_list(names: Iterator[str] | Sequence[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
