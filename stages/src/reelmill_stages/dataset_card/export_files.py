"""The files of an export, for a card next to them: their paths, and the digests with which they were sealed."""

import tarfile
from collections.abc import Iterator, Mapping
from glob import escape
from itertools import islice
from pathlib import Path

from reelmill.contract.records.rows import Item
from reelmill_stages.dataset_card.croissant import DescribedFile, ExportContents
from reelmill_stages.dataset_card.media_types import TAR, extension, media_type
from reelmill_stages.dataset_card.tables import ItemFile

_SEGMENT = "[0-9][0-9][0-9][0-9]*/"
_MEMBERS = 1000
"""Number of members of a tar that are checked for their extensions."""


def place_of(root: str, key: str) -> str:
    """The path of a file of the store in an export of the data set at `root`; empty for a file outside the store."""
    if "://" in key or key.startswith("/"):
        return ""
    return key.removeprefix(f"{root}/")


def files_of(root: str, item: Item) -> Iterator[ItemFile]:
    """The files of an item in the store, each once: the one that the next stage reads, and all others."""
    media = item.media
    if media and not media.source and (path := place_of(root, media.uri)):
        yield ItemFile(path, media.size, media.digest.removeprefix("sha256:"))
    for output in item.outputs:
        if media is None or output.key != media.uri:
            yield ItemFile(place_of(root, output.key), output.size, output.digest.removeprefix("sha256:"))


class ExportSeen:
    """The files of an export, collected one by one for `croissant.json`."""

    def __init__(self, folder: Path, sealed: Mapping[str, str]) -> None:
        """`sealed` maps the names of all files of the export to their digests."""
        self._folder, self._sealed = folder, sealed
        self._patterns: dict[str, set[str]] = {}
        self._tars: dict[str, DescribedFile] = {}

    def add(self, name: str) -> None:
        """Add a file of the folder; duplicates are ignored."""
        kind = extension(name)
        if not kind or name in self._tars:
            return
        if media_type(kind).name == TAR:
            size = (self._folder / name).stat().st_size
            self._tars[name] = DescribedFile(name, size, self._sealed[name].removeprefix("sha256:"))
            return
        first, _, rest = name.partition("/")
        pattern = f"{_SEGMENT if first.isdigit() else f'{escape(first)}/'}{_suffix(name)}" if rest else escape(name)
        self._patterns.setdefault(kind, set()).add(pattern)

    def contents(self) -> ExportContents:
        """The files added so far. The members of tars are taken from the first tar."""
        members: dict[str, set[str]] = {}
        for name in list(self._tars)[:1]:
            for member in _members(self._folder / name):
                if kind := extension(member):
                    members.setdefault(kind, set()).add(_suffix(member))
        return ExportContents(_sorted(self._patterns), list(self._tars.values()), _sorted(members))


def _sorted(patterns: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {kind: sorted(found) for kind, found in sorted(patterns.items())}


def _suffix(name: str) -> str:
    """The pattern of files with the same extension, in the same case."""
    return f"*.{name.rpartition('.')[2]}"


def _members(path: Path) -> Iterator[str]:
    """The names of the first members of a tar; empty if it cannot be read."""
    try:
        with tarfile.open(path) as tar:
            yield from (member.name for member in islice(tar, _MEMBERS) if member.isfile())
    except (tarfile.TarError, EOFError, ValueError):
        return
