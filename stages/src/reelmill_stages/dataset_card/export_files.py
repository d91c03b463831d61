"""The files of an export, for a card beside them: where each is, and with which digest it was sealed."""

import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reelmill.contract.records.rows import Item
from reelmill_stages.dataset_card.croissant import DescribedFile, ExportContents
from reelmill_stages.dataset_card.media_types import TAR, extension, media_type
from reelmill_stages.dataset_card.tables import ItemFile

_SEGMENT = "[0-9][0-9][0-9][0-9]*/"
_MEMBERS = 1000
"""Members of a tar that are looked at for their extensions."""


def place_of(root: str, key: str) -> str:
    """Where a file of the store is in an export of the data set at `root`; empty for one outside of the store."""
    if "://" in key or key.startswith("/"):
        return ""
    return key.removeprefix(f"{root}/")


def files_of(root: str, item: Item) -> Iterator[ItemFile]:
    """The files of an item in the store, each once: what the next stage reads, and all that it has besides."""
    media = item.media
    if media and not media.source and (path := place_of(root, media.uri)):
        yield ItemFile(path, media.size, media.digest.removeprefix("sha256:"))
    for output in item.outputs:
        if media is None or output.key != media.uri:
            yield ItemFile(place_of(root, output.key), output.size, output.digest.removeprefix("sha256:"))


def contents(folder: Path, names: Iterable[str], sealed: Mapping[str, str]) -> ExportContents:
    """What `croissant.json` says of the files with these names, which are in the folder."""
    patterns: dict[str, set[str]] = {}
    tars: dict[str, DescribedFile] = {}
    for name in names:
        kind = extension(name)
        if not kind:
            continue
        if media_type(kind).name == TAR:
            size = (folder / name).stat().st_size
            tars[name] = DescribedFile(name, size, sealed[name].removeprefix("sha256:"))
            continue
        first, _, rest = name.partition("/")
        place = _SEGMENT if first.isdigit() and rest else f"{first}/" if rest else ""
        patterns.setdefault(kind, set()).add(f"{place}*.{kind}" if rest else name)
    members = {kind for name in list(tars)[:1] for kind in _extensions(folder / name)}
    plain = {kind: sorted(found) for kind, found in sorted(patterns.items())}
    return ExportContents(plain, list(tars.values()), sorted(members))


def _extensions(path: Path) -> Iterator[str]:
    """Extensions of the first members of a tar: all after the first dot is one, as readers of webdataset have it."""
    with tarfile.open(path) as tar:
        for number, member in enumerate(tar):
            if number == _MEMBERS:
                return
            if member.isfile() and (kind := extension(member.name)):
                yield kind
