"""Attributes of files of features: model, weights, grid, space, fit, versions.

They are strings and integers only, so that every format can store them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.grid import GridBlock

FORMAT = "reelmill-grids"
FORMAT_VERSION = 1
_PACKAGES = ("reelmill-stages", "torch", "open-clip-torch", "pillow", "numpy")

Attributes = dict[str, str | int]


def attributes(block: GridBlock, weights: Path, device: str, codebook: Path | None = None) -> Attributes:
    """The attributes of every file of a stage. `weights` and `codebook` are represented by their digests."""
    rows, width = block.shape
    found: Attributes = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": block.model,
        "weights": digest(weights),
        "input": block.input,
        "fit": block.fit,
        "grid": block.grid,
        "space": block.space,
        "rows": rows,
        "width": width,
        "dtype": block.dtype,
        "device": device,
        "versions": json.dumps(_versions(), sort_keys=True),
    }
    return found | ({"codebook": digest(codebook)} if codebook else {})


def block_of(attributes: Mapping[str, Any], weights: Path, where: str, **more: Any) -> GridBlock:
    """Return the block of the stage that made a file with these attributes. Raises SpecError if they are incomplete."""
    try:
        kept = {name: attributes[name] for name in ("model", "input", "fit", "grid", "space", "dtype")}
        return GridBlock.model_validate({**kept, **more, "weights": {"uri": str(weights)}})
    except (KeyError, ValueError) as error:
        raise SpecError("the file has no attributes about its origin", where=where, hint=str(error)) from error


def counted(base: Mapping[str, str | int], splits: Counter[str]) -> Attributes:
    """Add the number of images of each split (`""` for no split) to the attributes of a file."""
    return {**base, "images": splits.total(), "splits": json.dumps(dict(sorted(splits.items())))}


def together(all_: Iterable[Mapping[str, Any]]) -> Attributes:
    """Merge the attributes of parts; different values are joined."""
    values: dict[str, dict[str | int, None]] = {}
    for one in all_:
        for name, value in one.items():
            if name not in ("images", "splits"):
                values.setdefault(name, {})[value] = None
    return {
        name: next(iter(found)) if len(found) == 1 else " | ".join(map(str, found)) for name, found in values.items()
    }


def digest(path: Path) -> str:
    """`sha256:<hex>` of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
