"""The index file: a list of `{"url", "nsamples"}`, as a pickle for the trainer and as JSON.

`url` is relative to the folder of the index (`../../pack/0123456789/0001/shard-0-0-500-0.tar`), so that a store can be
moved; tars of a source have absolute URLs. In an export, all are absolute, and tars are below the exported folder under
their names in the store (`pack/0123456789/0001/…`).
"""

import json
import posixpath
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypedDict

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.index.plain_pickle import dumps
from reelmill_stages.untrusted.nested import check_depth, load_json
from reelmill_stages.untrusted.pickles import loads


class IndexRow(TypedDict):
    """A tar and its number of samples."""

    url: str
    nsamples: int


def is_absolute(uri: str) -> bool:
    """Whether a URI is absolute."""
    return "://" in uri or uri.startswith("/")


def url(uri: str, root: str) -> str:
    """The URL of a tar in an index in the folder `root` (a key in the store)."""
    return uri if is_absolute(uri) else posixpath.relpath(uri, root)


def localised(rows: Sequence[IndexRow], folder: Path) -> list[IndexRow]:
    """The rows, with relative URLs replaced by absolute paths below `folder`."""
    return [
        row if is_absolute(row["url"]) else IndexRow(url=str(_below(folder, row["url"])), nsamples=row["nsamples"])
        for row in rows
    ]


def _below(folder: Path, relative: str) -> Path:
    parts = [part for part in PurePosixPath(relative).parts if part not in ("..", ".")]
    return folder.absolute().joinpath(*parts)


def dump(rows: Sequence[IndexRow], suffix: str) -> bytes:
    """Serialize an index; `suffix` is `.pkl` or `.json`."""
    plain = [dict(row) for row in rows]
    return dumps(plain) if suffix == ".pkl" else json.dumps(plain, indent=1).encode() + b"\n"


def parse(data: bytes, suffix: str) -> list[IndexRow]:
    """The inverse of `dump`; pickles are not executed. Raises SpecError for any other content."""
    try:
        read = loads(data) if suffix == ".pkl" else load_json(data)
        check_depth(read)
        rows = [IndexRow(url=row["url"], nsamples=row["nsamples"]) for row in read]
    except (ValueError, TypeError, KeyError) as error:
        raise SpecError(f"not an index of tars: {error}", hint="an index is a list of {url, nsamples}") from error
    for row in rows:
        if type(row["url"]) is not str or type(row["nsamples"]) is not int:
            raise SpecError(f"not an index of tars: {row}", hint="url must be a string, nsamples an integer")
    return rows
