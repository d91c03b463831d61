"""The packages of the extra `embed`: looked for before any work, imported where a model runs and nowhere else."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from reelmill.contract.errors import SpecError

HINT = "install reelmill-stages[embed], or run the stage in the image that holds it (stages, target embed)"


def require(*packages: str) -> None:
    """Raises SpecError naming the extra where a package is missing. Imports nothing."""
    for package in packages:
        try:
            found = find_spec(package)
        except ValueError:  # a module without a spec: somebody hides the package
            found = None
        if found is None:
            raise _missing(package)


def load(module: str) -> Any:
    """A module of a package that the extra brings. Raises SpecError naming the extra where it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("reelmill"):
            raise
        raise _missing(error.name) from error


def _missing(package: str) -> SpecError:
    return SpecError(f"this installation lacks the package {package!r}", where="models", hint=HINT)
