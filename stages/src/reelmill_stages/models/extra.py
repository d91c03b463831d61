"""Packages of the extra `embed`: checked before any work, and imported only when a model runs."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from reelmill.contract.errors import SpecError

HINT = (
    "install reelmill-stages[embed], or [speech] or [whisper] for transcribe, in a checkout by pip install "
    "'./stages[embed]', or run the stage in an image that includes it (stages, target embed)"
)


def require(*packages: str) -> None:
    """Raise SpecError if a package is missing. Does not import it."""
    for package in packages:
        try:
            found = find_spec(package)
        except ValueError:  # a module without a spec
            found = None
        if found is None:
            raise _missing_package_error(package)


def load(module: str) -> Any:
    """Import a module of a package in the extra. Raises SpecError if it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("reelmill"):
            raise
        raise _missing_package_error(error.name) from error


def _missing_package_error(package: str) -> SpecError:
    return SpecError(f"the package {package!r} is not installed", where="models", hint=HINT)
