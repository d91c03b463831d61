"""Sources for tests in `sources/`: a folder, and a real bucket."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reelmill.contract.task import Connection
from reelmill_stages.registry import source
from reelmill_stages.sources import Listed
from reelmill_stages.sources.earlier_items import NOTHING, EarlierItems
from reelmill_stages.sources.objects.bucket import SourceBucket


def bucket() -> SourceBucket:
    return SourceBucket.connected(Connection(), {})


def put(folder: Path, *names: str, content: bytes = b"video") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def put_json(path: Path, value: object) -> Path:
    return put(path.parent, path.name, content=json.dumps(value).encode()) / path.name


def listed(type_: str, before: EarlierItems = NOTHING, **params: Any) -> list[Listed]:
    adapter, block = source(type_, {name: str(v) if isinstance(v, Path) else v for name, v in params.items()})
    return list(adapter(block, bucket(), "raw", before))


def items(rows: Iterable[Listed]) -> list[Listed]:
    return [row for row in rows if row.problem is None]


def reasons(rows: Iterable[Listed]) -> list[str]:
    return sorted(row.problem[0] for row in rows if row.problem)


def names(rows: Iterable[Listed]) -> list[str]:
    return [row.fields["name"] for row in items(rows)]
