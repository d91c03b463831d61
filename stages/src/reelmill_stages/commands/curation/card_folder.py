"""The folder of a dataset card: a new folder, or that of an earlier card or of an export."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from reelmill.contract.errors import SpecError
from reelmill_stages.commands.export_folder import incoming_below, is_unused, seal
from reelmill_stages.commands.lineage.recipe import TABLE
from reelmill_stages.dataset_card.croissant import NAME
from reelmill_stages.dataset_card.front_matter import configs_of
from reelmill_stages.dataset_card.readme import MARK
from reelmill_stages.dataset_card.tables import FILES, ITEMS, ItemFile
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.local.errors import mapped

README = "README.md"
WRITTEN = (ITEMS, FILES, TABLE, NAME, README)
"""Names of the files of a card, in the order in which they appear."""
CARD_MARK = ".reelmill-card.json"
"""Marks a folder with a card, complete or not: the tables and description in it may be replaced."""


@dataclass(frozen=True, slots=True)
class CardFolder:
    """A folder in which a card may be written."""

    path: Path
    export: Mapping[str, str] | None
    """Name -> digest of the files of the export in the folder; None if there is no export."""
    configs: list[dict[str, Any]]
    """Configurations of Hugging Face datasets in its existing README."""

    @classmethod
    def taken(cls, path: Path, export: Mapping[str, str] | None) -> Self:
        """Create the folder, or take over the folder of an earlier card or export.

        Raises SpecError for a folder with other contents, and if another file has the name of one of the card's files.
        """
        if path.exists() and not path.is_dir():
            raise SpecError("this is a file, not a folder", where=str(path), hint="name a new folder")
        path.mkdir(parents=True, exist_ok=True)
        readme = _text(path / README)
        written = _earlier_files(path / CARD_MARK)
        if export is None and not written and not is_unused(path):
            raise SpecError(
                "the folder contains something else", where=str(path), hint="name a new folder, or that of an export"
            )
        for name in WRITTEN:
            ours = (MARK in readme or name in (export or {})) if name == README else name in written
            if not ours and (path / name).exists():
                raise SpecError(
                    f"the card would replace {name}, which an earlier card did not write",
                    where=str(path),
                    hint="move it away, or write the card into a new folder",
                )
        return cls(path, export, configs_of(readme))

    def must_hold(self, file: ItemFile) -> None:
        """Raise SpecError for a file that differs in the export from what was committed, or is missing there."""
        if self.export is None:
            return
        found = self.export.get(file.path)
        if found is None or (file.sha256 and found != f"sha256:{file.sha256}"):
            raise SpecError(
                f"{file.path[:200]!r} in the export differs from the data set",
                where=str(self.path),
                hint="export the stage into this folder again, then write the card",
            )

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """An empty folder on the same file system."""
        with mapped(self.path), incoming_below(self.path) as folder:
            yield folder

    def put(self, incoming: Path) -> None:
        """Move the files of the card into place, the README last."""
        if self.export is not None and README in self.export:
            seal(self.path, {**self.export, README: file_digest(incoming / README)})
        (incoming / CARD_MARK).write_text(json.dumps({"files": WRITTEN}) + "\n")
        for name in (CARD_MARK, *WRITTEN):
            (incoming / name).replace(self.path / name)


def _earlier_files(mark: Path) -> set[str]:
    """Names of the files that an earlier card wrote, or was about to write."""
    try:
        return set(json.loads(mark.read_bytes())["files"])
    except FileNotFoundError:
        return set()
    except (ValueError, KeyError, TypeError):
        return set(WRITTEN)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
