"""The files of a support bundle."""

import json
import tarfile
from pathlib import Path
from typing import Any


def opened(path: Path) -> dict[str, str]:
    """Name without the folder of the bundle -> text."""
    with tarfile.open(path) as tar:
        members = [member for member in tar if member.isfile()]
        (folder,) = {member.name.partition("/")[0] for member in members}
        assert {member.mode for member in members} == {0o600}
        return {member.name.removeprefix(f"{folder}/"): tar.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]


def manifest(path: Path) -> dict[str, Any]:
    """The list of what is in it, and of what could not be read."""
    found: dict[str, Any] = json.loads(opened(path)["manifest.json"])
    return found
