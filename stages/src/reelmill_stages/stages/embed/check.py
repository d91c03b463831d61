"""`reelmill check` for lip embeddings: verifies files and lists by the rules of IIANet's reader."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.embed.check_lists import SPLITS, check_split, split_folders
from reelmill_stages.stages.embed.lip_keys import WIDTH
from reelmill_stages.stages.embed.lists import PLAIN
from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError

FORMAT = "lips"
KEY = "embedding"
PATTERN = "*_embedding.npz"


class LipsCheck:
    """The check for the format `lips`."""

    def detect(self, folder: Path) -> bool:
        if any((folder / split / "mix.json").is_file() for split in SPLITS):
            return next(folder.rglob(PATTERN), None) is not None
        # Embeddings of other models have the same names, and a different list.
        return not (folder / PLAIN).is_file() and next(folder.rglob(PATTERN), None) is not None

    def check(self, folder: Path) -> Iterator[Finding]:
        lengths: dict[Path, int] = {}
        for path in sorted(folder.rglob(PATTERN)):
            found = list(_check_embedding(path, str(path.relative_to(folder)), lengths))
            yield from found or [Finding(str(path.relative_to(folder)), "embedding", True)]
        used: set[Path] = set()
        for split in split_folders(folder):
            yield from check_split(folder, split, lengths, used)
        if not used and lengths:
            yield Finding(".", "lists", False, f"no list of {', '.join(SPLITS)} refers to an embedding of this folder")
        elif unlisted := sorted(set(lengths) - used):
            note = f"{len(unlisted)} embeddings are in no list and never read, for example {unlisted[0].name}"
            yield Finding(".", "listed", True, note)


def _check_embedding(path: Path, name: str, lengths: dict[Path, int]) -> Iterator[Finding]:
    """Yield findings about one file; its number of frames is added to `lengths`."""
    try:
        with ArrayArchive(path) as archive:
            keys = archive.names
            found = archive.array(KEY) if KEY in keys else None
    except (OSError, ArrayError) as error:
        yield Finding(name, "readable", False, f"the file cannot be opened: {error}")
        return
    if found is None:
        yield Finding(
            name, "embedding_key", False, f"the array {KEY!r} is missing; the file has {', '.join(keys) or 'no arrays'}"
        )
        return
    if found.ndim != 2 or found.shape[0] != WIDTH or not found.shape[1]:
        yield Finding(name, "shape", False, f"the shape must be ({WIDTH}, frames), not {found.shape}")
        return
    lengths[path.absolute()] = found.shape[1]
    if found.dtype != np.float32:
        yield Finding(name, "dtype", False, f"the type must be float32, not {found.dtype}")
    elif not np.isfinite(found).all():
        yield Finding(
            name, "finite", False, f"{count_of(int((~np.isfinite(found)).sum()), 'value')} are NaN or infinite"
        )
