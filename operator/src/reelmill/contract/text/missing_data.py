"""The error of commands about a store in which no pipeline has worked on the data sets that they need."""

from collections.abc import Iterable
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill.contract.text.sentences import listed


def no_data_set(names: Iterable[str], store: str) -> SpecError:
    """Return the error for sources and stages with these names; `store` is the URI of the store."""
    return SpecError(
        f"the store has no data set of {listed([*names])} with this definition",
        where=_address(store),
        hint="run the pipeline first; if it has run, its definition or the address of the store has changed",
    )


def _address(uri: str) -> str:
    """The address of a store; for a relative path, with the folder at which it starts."""
    return uri if uri.startswith("/") or "://" in uri else f"{uri} in {Path.cwd()}"
