"""Checks a folder of a Lance data set: pylance opens the manifest, and the files of all fragments exist."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding


class LanceCheck:
    """See `Check`."""

    def detect(self, folder: Path) -> bool:
        return any((folder / "_versions").glob("*.manifest"))

    def check(self, folder: Path) -> Iterator[Finding]:
        if find_spec("lance") is None:
            raise SpecError("Lance needs the package pylance", where=str(folder), hint="install reelmill-stages[lance]")
        try:
            data: Any = import_module("lance").dataset(str(folder))
            data.validate()
            rows = data.count_rows()
            data.to_table(columns=["key"])
        except (OSError, ValueError) as error:  # raised by pylance for missing or damaged files
            yield Finding("_versions", "readable", False, str(error).split(", /")[0])
            return
        yield Finding("_versions", "readable", True, f"version {data.version} with {count_of(rows, 'sample')}")
        for base in data.base_paths().values():
            here = Path(base.path).parent == folder.absolute() or "://" in base.path
            message = f"files of segment {base.name} are at {base.path}"
            yield Finding("_versions", "place", here, message if here else f"{message}: export the data set again")
