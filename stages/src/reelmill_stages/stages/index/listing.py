"""The index file: a list of `{"url", "nsamples"}`, as a pickle for the trainer and as JSON for everybody else.

`url` is the way from the folder of the index to the tar (`../../pack/0123456789/0001/shard-0-0-500-0.tar`), so a store
can be moved or mounted anywhere; the tar of a source is somewhere else and stays absolute. An export makes the former
absolute: the tar then lies below the folder under its name in the store (`pack/0123456789/0001/…`).
"""

import json
import posixpath
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypedDict

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.index.plain_pickle import dumps, loads


class IndexRow(TypedDict):
    """One tar and how many samples it has."""

    url: str
    nsamples: int


def is_absolute(uri: str) -> bool:
    """Whether a uri says by itself where it is."""
    return "://" in uri or uri.startswith("/")


def url(uri: str, root: str) -> str:
    """How the index in the folder `root` (a key in the store) names a tar."""
    return uri if is_absolute(uri) else posixpath.relpath(uri, root)


def localised(rows: Sequence[IndexRow], folder: Path) -> list[IndexRow]:
    """The rows with every relative url absolute, below `folder`."""
    return [
        row if is_absolute(row["url"]) else IndexRow(url=str(_below(folder, row["url"])), nsamples=row["nsamples"])
        for row in rows
    ]


def _below(folder: Path, relative: str) -> Path:
    parts = [part for part in PurePosixPath(relative).parts if part not in ("..", ".")]
    return folder.absolute().joinpath(*parts)


def dump(rows: Sequence[IndexRow], suffix: str) -> bytes:
    """The file's bytes; `suffix` is `.pkl` or `.json`."""
    plain = [dict(row) for row in rows]
    return dumps(plain) if suffix == ".pkl" else json.dumps(plain, indent=1).encode() + b"\n"


def parse(data: bytes, suffix: str) -> list[IndexRow]:
    """The inverse of `dump`. Raises SpecError for anything else; nothing in a pickle is run."""
    try:
        read = loads(data) if suffix == ".pkl" else json.loads(data)
        rows = [IndexRow(url=row["url"], nsamples=row["nsamples"]) for row in read]
    except (ValueError, TypeError, KeyError) as error:
        raise SpecError(f"this is no index of tars: {error}", hint="an index is a list of {url, nsamples}") from error
    for row in rows:
        if type(row["url"]) is not str or type(row["nsamples"]) is not int:
            raise SpecError(f"this is no index of tars: {row}", hint="url is text, nsamples a whole number")
    return rows
