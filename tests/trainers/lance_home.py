"""pylance for the tests that write Lance: 250 MB that nothing else needs."""

import sys
from pathlib import Path

from trainers.environments import PYTHON, interpreter

_PACKAGES = ("lance", "lance_namespace", "lance_namespace_urllib3_client")


def use_lance() -> None:
    """Let this process import pylance, out of the environment that reads it. Raises Unavailable."""
    if str(packages := _home()) not in sys.path:
        sys.path.append(str(packages))


def lance_path(folder: Path) -> str:
    """A folder for PYTHONPATH with nothing but pylance. Raises Unavailable."""
    folder.mkdir()
    for name in _PACKAGES:
        (folder / name).symlink_to(_home() / name)
    return str(folder)


def _home() -> Path:
    return interpreter("lance").parents[1] / f"lib/python{PYTHON}/site-packages"
